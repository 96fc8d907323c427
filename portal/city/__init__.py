"""The operators' desk inside Wagtail's admin: which gadgets wait for a decision, and what was decided."""
