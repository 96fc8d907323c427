"""Schema history of the content pages."""
