"""What a region knows about people, as values and rules without a framework."""
