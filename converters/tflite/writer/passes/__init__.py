"""Passes: each takes a graph and leaves the same function, in fewer or in better operators."""
