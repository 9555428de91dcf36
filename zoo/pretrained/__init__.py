"""Weights: those that are shipped, those that others publish, and how both come into a network."""
