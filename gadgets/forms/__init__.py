"""Forms of cards that a resident fills in, sent to their provider."""
