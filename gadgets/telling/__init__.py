"""What providers are told of what happened to a consent, and what they answer."""
