"""What a resident says about ranking and learning."""
