"""Lowerings of Keras's layers whose own operations are not their best form in a file; each module enters its own."""
