"""Tags that templates of every package use."""
