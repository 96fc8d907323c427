"""What editors type into and see at the desk."""
