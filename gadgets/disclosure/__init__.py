"""Applies the rule of `gadgets.release` where something leaves, and writes the disclosure down."""
