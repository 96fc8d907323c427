"""The two wire contracts and what travels by them: manifest, card, package, events; pure."""
