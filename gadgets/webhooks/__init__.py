"""Signed events to providers, and what they answer."""
