"""Trajectory stores, segments, prompts and normalisation."""
