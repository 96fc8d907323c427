"""Which pages there are for readers: lists, series, addresses that moved."""
