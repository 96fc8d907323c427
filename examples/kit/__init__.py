"""Shared kit of the example providers: what any provider of a Region Gadget needs, in plain Python."""
