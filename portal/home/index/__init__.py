"""The content index: what can stand on a home, held in process memory."""
