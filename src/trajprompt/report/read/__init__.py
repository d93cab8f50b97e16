"""What the report reads: a run's files and the papers' printed numbers."""
