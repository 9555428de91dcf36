"""Networks whose answer is the picture as it should be. One file an architecture; `zoo.registry` finds them."""
