"""How the classifier's parameters were chosen, how good it is, and what its trees cost."""
