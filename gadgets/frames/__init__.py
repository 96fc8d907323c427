"""A provider's own page in a frame, and the tokens that it asks for."""
