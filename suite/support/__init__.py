"""Helpers that tests share: small models, stand-ins for data, curves with known effects, and whole runs."""
