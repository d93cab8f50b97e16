"""What the report computes: tables, statistics, verdicts."""
