"""Curves and measurements whose true effects are known, and the claims asked of them."""
