"""Lists of open data that come in: read, compared with what was imported before, written in batches."""
