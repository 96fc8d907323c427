"""Figures about the ranking, as anonymous aggregates."""
