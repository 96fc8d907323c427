"""The home: one page of everything that concerns the reader, put together without asking any provider."""
