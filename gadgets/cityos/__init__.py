"""Data of the City OS: contracts about them, the gateway in front of the context broker, the cards of queries."""
