"""Pictures of cards: fetched, made anew without metadata, served by us."""
