"""Generation of prompts by a generative model."""
