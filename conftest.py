"""Loads the two plugins, of the bench and of the ledger; whatever they do stands there."""

pytest_plugins = ["fixtures.plugin", "reports.plugin"]
