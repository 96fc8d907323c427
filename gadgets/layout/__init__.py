"""What a resident puts on the home, and in which order."""
