"""Pages that editors write, alerts as static files, and the import of open data lists."""
