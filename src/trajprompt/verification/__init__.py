"""The chain from a run's data to its report: what should be there, and what is."""
