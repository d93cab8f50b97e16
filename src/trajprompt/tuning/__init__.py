"""Tuning methods (``methods/``) and the code that they share."""
