"""Small models of each architecture, built in memory from a seed."""
