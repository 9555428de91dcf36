"""Networks: an architecture a file, in a folder for readers; the task of each stands in its registration."""
