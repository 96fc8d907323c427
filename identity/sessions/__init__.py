"""Sessions and devices of residents at the portal."""
