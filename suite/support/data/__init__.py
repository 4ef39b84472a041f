"""Questions, data sets and a hub that need no network."""
