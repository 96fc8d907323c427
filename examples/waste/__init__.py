"""Example provider: waste collection days (level `audience`)."""
