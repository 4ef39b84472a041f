"""Loads the two rooms' plugins; whatever they do stands there."""

pytest_plugins = ["fixtures.plugin", "reports.plugin"]
