"""What a resident chooses: finding a service, putting it on the home, its order."""
