"""Contextual Meta Transformer (CMT, arXiv 2211.08016): model, play, relabelled data."""
