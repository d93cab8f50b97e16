"""The configuration of a run: reading, checking, and deriving the settings of jobs."""
