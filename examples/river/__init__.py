"""Example provider: river levels (level `none`)."""
