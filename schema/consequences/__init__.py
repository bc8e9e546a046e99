"""Consequences: what follows from appraisals, by dated rules of each agency."""
