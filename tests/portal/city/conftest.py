"""Fixtures of the operator's desk."""

from tests.gadgets.conftest import static_root

__all__ = ["static_root"]
