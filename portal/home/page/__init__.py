"""The home as a page: composed, drawn, explained."""
