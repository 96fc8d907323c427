"""Example provider: school lunch (level `pairwise`)."""
