"""Postprocessing: what goes on after a network has answered."""
