"""Films of rollouts side by side."""
