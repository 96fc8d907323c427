"""Figures of nobody: what is counted, the metrics that are made of it, and the card of the model."""
