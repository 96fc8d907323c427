"""The hash chain of what was done, and its verification."""
