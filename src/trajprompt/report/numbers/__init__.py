"""Computations of the report: tables, statistics, verdicts."""
