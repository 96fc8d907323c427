"""Gadgets of other regions, and what this region offers them."""
