"""Forms of a file: each takes an optimized graph in float and changes how its numbers are stored and computed."""
