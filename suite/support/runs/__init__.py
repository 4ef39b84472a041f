"""Whole runs of the suite, and the stand-ins that make them quick."""
