"""Comparisons of two rankings on real impressions."""
