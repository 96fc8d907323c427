"""What two packages or more need and that knows nothing of any of them."""
