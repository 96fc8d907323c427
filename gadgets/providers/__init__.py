"""Organisations that offer gadgets: members, contacts, keys, notifications."""
