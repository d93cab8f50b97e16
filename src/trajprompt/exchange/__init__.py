"""Trajectories from elsewhere, and out again: pickles, D4RL files, Minari datasets."""
