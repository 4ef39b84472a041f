"""The files of a report: page, figures, Markdown, CSV, JSON, LaTeX."""
