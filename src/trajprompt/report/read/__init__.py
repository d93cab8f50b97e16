"""Inputs of the report: a run's files and the papers' printed values."""
