"""Curves and measurements whose true effects are known, and the claims that are run on them."""
