"""The GPU accelerator: a process of its own, what it gets wrong, and the check of a file against it."""
