"""Reproducible trajectory-prompt tuning of decision transformers."""

__version__ = "0.1.0"
