"""SMAX: battles of two teams of units, many in lockstep.

The rules are those of jaxmarl 0.2.0's ``HeuristicEnemySMAX`` with its default options; the
code is our own. SMAX is not StarCraft's SMAC: it has the names of SMAC's maps, but its own
physics and its own enemy, so its win rates cannot be compared with SMAC's.
"""
