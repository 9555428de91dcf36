"""What a network's outputs mean, for Keras, converted files, the runner and the app alike: NumPy only."""
