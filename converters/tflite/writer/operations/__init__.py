"""Lowerings of the operations of `keras.ops`; each module enters its own."""
