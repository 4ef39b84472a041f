"""A run in words: tables, summary, remarks, and how numbers are written."""
