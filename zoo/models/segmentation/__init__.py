"""Networks that give every pixel a class. One file an architecture; `zoo.registry` finds them."""
