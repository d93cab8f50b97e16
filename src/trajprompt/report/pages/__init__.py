"""What the report writes as text: Markdown and HTML."""
