"""Curves whose truth is known, and the claims that read them."""
