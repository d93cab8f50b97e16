"""The papers' figures, one file per kind of figure.

Each file has ``table(figure)``, the numbers of the picture as a tidy table, and
``draw(rows, figure, stem)``, which draws that table and nothing else.
"""
