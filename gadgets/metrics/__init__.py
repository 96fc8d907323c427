"""What became of a gadget's calls, and how many residents use it, never a few."""
