"""Task families: simulators, goals and splits."""
