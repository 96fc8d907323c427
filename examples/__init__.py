"""Example providers: independent programs, each on an origin of its own, that import nothing of the portal."""
