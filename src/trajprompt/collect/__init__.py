"""Stage 1: trajectories of learning agents and of scripted experts."""
