"""Files written by the stages: atomic writes, checks on reading, and provenance."""
