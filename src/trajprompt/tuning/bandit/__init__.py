"""The parts of the bandit over prompt segments."""
