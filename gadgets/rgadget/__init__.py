"""The provider's own tool: writes, checks, shows, signs and hands in a gadget, without a portal's settings or database.

`provider` is what the program that it writes builds on.
"""
