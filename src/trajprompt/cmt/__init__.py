"""Contextual Meta Transformer (arXiv 2211.08016): model, learning, planning, play."""
