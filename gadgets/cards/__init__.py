"""A card on its way to a page: fetched, stored, drawn, refreshed."""
