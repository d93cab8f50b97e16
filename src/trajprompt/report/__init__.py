"""Stage 5: statistics, tables, figures, claims."""
