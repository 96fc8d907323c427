"""Before a provider is asked: no transaction is open, and no database connection waits with us."""

from django.db import connections


class HttpInTransactionError(RuntimeError):
    """A provider would be asked while a database transaction is open: a fault of ours."""


def refuse_in_transaction() -> None:
    """Raises `HttpInTransactionError` inside a transaction (that of a test case does not count)."""
    for connection in connections.all(initialized_only=True):
        blocks = connection.atomic_blocks
        if connection.in_atomic_block and not (blocks and getattr(blocks[-1], "_from_testcase", False)):
            raise HttpInTransactionError("no provider is asked inside a database transaction")


def give_back_connections() -> None:
    """A provider's slowness must not hold a database connection."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
