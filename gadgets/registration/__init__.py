"""From a manifest's address to a checked draft."""
