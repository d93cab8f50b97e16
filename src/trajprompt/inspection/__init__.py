"""Descriptions of artifacts: one module per kind, for ``trajprompt inspect``."""
