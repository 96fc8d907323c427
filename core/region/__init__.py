"""The region that this installation serves, as its file says it."""
