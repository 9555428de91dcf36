"""Networks that say where every pixel goes. One file an architecture; `zoo.registry` finds them."""
