"""The graphs, a file a family; each has a table `CASES`."""
