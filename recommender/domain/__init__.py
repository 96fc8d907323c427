"""Features, weights, ranking and its explanation, without a framework."""
