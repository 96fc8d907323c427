"""Template tags of the content pages."""
