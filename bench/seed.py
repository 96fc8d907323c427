"""Fills the benchmark's database and prints, as one line of JSON, what the load needs to know."""

import gzip
import json
import os
import sys
from urllib.parse import urlsplit

import django

django.setup()

from django.conf import settings  # noqa: E402  (settings must be ready first)
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.utils.crypto import get_random_string  # noqa: E402

from bench import rows  # noqa: E402
from gadgets.layout.layout import Slot  # noqa: E402
from identity.domain.roles import SYSTEM  # noqa: E402
from portal.content.actions import set_default_slots  # noqa: E402


def main(items: int) -> None:
    """Migrate, fill, sign in, and look once at each page in this process."""
    call_command("migrate", verbosity=0)
    now = timezone.now()
    ports = [int(port) for port in os.environ.get("BENCH_PORTS", "").split(",") if port]
    ids = rows.gadgets(8, now=now, ports=ports)
    set_default_slots(slots=[Slot(gadget_id, "S", locked=False) for gadget_id in ids[:3]], by=SYSTEM)
    rows.resident(ids, now=now)
    rows.pages(items, now=now)
    host = urlsplit(settings.PORTAL_URL).netloc
    resident = Client(HTTP_HOST=host)
    session = rows.sign_in(resident)
    found = {
        "host": host,
        # A browser that has been here before sends both.
        "cookies": f"{settings.SESSION_COOKIE_NAME}={session.session_key}; "
        f"{settings.CSRF_COOKIE_NAME}={get_random_string(32)}",
        "pages": {
            "home": look(resident, "/"),
            "guest": look(Client(HTTP_HOST=host), "/"),
            "down": look(resident, "/en/"),
        },
    }
    sys.stdout.write(json.dumps(found) + "\n")


def look(client: Client, path: str) -> dict[str, int]:
    """SQL queries, bytes and entries of a warm page."""
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        response = client.get(path)
    if response.status_code != 200:
        raise SystemExit(f"{path} answered {response.status_code}: {response.content[:500]!r}")
    return {
        "sql": len(captured),
        "bytes": len(response.content),
        "gzip": len(gzip.compress(response.content, 1)),
        "cards": response.content.count(b"data-gadget="),
        "entries": response.content.count(b'class="entry__why"'),
    }


if __name__ == "__main__":
    main(int(os.environ["BENCH_ITEMS"]))
