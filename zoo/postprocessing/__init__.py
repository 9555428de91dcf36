"""What goes on after a network has answered."""
