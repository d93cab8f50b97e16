"""Text of the report: Markdown and HTML."""
