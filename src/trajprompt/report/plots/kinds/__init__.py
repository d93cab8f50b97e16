"""Kinds of figures, one file each.

Each file has ``table(figure)``, which returns the plotted values as a tidy table, and
``draw(rows, figure, stem)``, which draws nothing but that table.
"""
