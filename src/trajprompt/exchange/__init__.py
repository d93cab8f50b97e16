"""Import and export of trajectories: pickles, D4RL files, Minari datasets."""
