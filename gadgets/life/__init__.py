"""A gadget's life: organisations, registration, checks, review, roll-out, pauses, the end; other regions."""
