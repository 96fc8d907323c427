"""One check each."""
