"""A published gadget from day to day, and its retirement."""
