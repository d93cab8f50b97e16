"""Tuning: what the methods of ``methods/`` share."""
