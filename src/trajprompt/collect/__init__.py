"""Stage 1: collect trajectories of learning agents and of scripted experts."""
