"""Networks that say where people look. One file an architecture; `zoo.registry` finds them."""
