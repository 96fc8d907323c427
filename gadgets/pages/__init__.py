"""The pages and answers of gadgets, for residents, providers, tools and other regions."""
