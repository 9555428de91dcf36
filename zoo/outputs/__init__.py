"""What the numbers of an output mean. NumPy only: `edge` imports it too."""
