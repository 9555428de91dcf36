"""Fewer bits: calibration, corrections, training with rounding, and what a file lost."""
