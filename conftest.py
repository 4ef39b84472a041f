"""Loads the bench's plugin, the order of tests among workers, and the ledger's plugin, and does nothing else."""

pytest_plugins = ["fixtures.plugin", "fixtures.plugin.scheduling", "reports.plugin"]
