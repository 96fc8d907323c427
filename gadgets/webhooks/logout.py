"""Posts logout tokens to the addresses that providers gave, through the one outbound client."""

import logging

from gadgets.errors import DoorError
from gadgets.outbound.http import door

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
"""Of an answer that nobody reads: some frameworks send a page."""


def post(url: str, body: bytes, seconds: float) -> bool:
    """Whether the site answered with 200 or 204; whatever goes wrong is one failed try."""
    try:
        door().fetch(
            url,
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"},
            body=body,
            deadline=seconds,
            max_bytes=MOST_BYTES,
            accept=(200, 204),
        )
    except DoorError as error:
        log.info("logout token not taken: %s", type(error).__name__)
        return False
    return True
