"""Integers in a TFLite graph: what its tensors span, which scale each gets, and how its constants are rounded."""
