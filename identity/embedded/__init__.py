"""The regional ID kept by this program itself, for a demo and small regions."""
