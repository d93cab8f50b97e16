"""Arithmetic: fast layers and optimizers, number types and devices; no model."""
