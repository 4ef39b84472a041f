"""Loads the two plugins, the bench's and the ledger's, and does nothing else."""

pytest_plugins = ["fixtures.plugin", "reports.plugin"]
