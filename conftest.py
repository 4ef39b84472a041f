"""Loads the rooms' plugins; whatever they do stands there."""

pytest_plugins = ["fixtures.plugin", "fixtures.scheduling", "reports.plugin"]
