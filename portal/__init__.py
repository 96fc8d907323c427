"""COMPOSES what people see: pages, home, desks; may import every other package."""
