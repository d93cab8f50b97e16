"""Check of a run's files, from its data to its report."""
