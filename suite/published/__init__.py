"""Reads claims on curves that others have published: means and standard errors, without a model or questions."""
