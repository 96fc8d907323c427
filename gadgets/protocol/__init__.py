"""The wire contract: manifest, card, forms, events, packages; pure."""
