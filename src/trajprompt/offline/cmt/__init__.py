"""Learning and planning of the Contextual Meta Transformer."""
