"""Figures of the papers and of the run: code shared by the kinds of ``kinds/``."""
