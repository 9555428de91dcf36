"""Scores of networks over data sets, and how the networks are asked for them."""
