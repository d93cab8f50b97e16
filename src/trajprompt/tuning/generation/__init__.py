"""Prompts written by a generative model."""
