"""Alerts as files and in words."""
