"""Example provider: library opening hours (level `none`), the one that a journey registers."""
