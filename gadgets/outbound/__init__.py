"""Calls to untrusted URLs: one client, its name look-ups, its locks."""
