"""Figures of the papers and of the run: what the kinds of ``kinds/`` share."""
