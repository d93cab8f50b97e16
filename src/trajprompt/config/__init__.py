"""The configuration of a run: read, checked, and cut into the stages' settings."""
