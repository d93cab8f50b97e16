"""Kinds of figures: one file each, and nothing else.

Each file has ``table(figure)``, the numbers of the picture as a tidy table, and
``draw(rows, figure, stem)``, which draws that table and nothing else.
"""
