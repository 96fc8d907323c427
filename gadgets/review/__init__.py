"""The operator's decision about a version, and the conversation about it."""
