"""A card on its way to a page: asked for through the door, kept, drawn, counted."""
