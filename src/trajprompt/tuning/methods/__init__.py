"""Tuning methods, one file each; the package contains nothing else."""
