"""Who somebody is, and what may be told to whom."""
