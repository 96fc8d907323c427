"""Example of a City OS: a context broker, and two gadgets that are nothing but JSON files."""
