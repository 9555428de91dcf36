"""Analysis: what can be counted on a network before anyone trains it."""
