"""Networks that find things: a box around each, and what it is."""
