"""Networks that read and write sequences, a step after the other."""
