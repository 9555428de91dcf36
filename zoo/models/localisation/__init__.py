"""Networks that answer where the parts of one thing are."""
