"""A provider that `rgadget init` wrote, running as its own program would, for tests that go the whole road."""

import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings

from gadgets.rgadget.__main__ import main
from gadgets.rgadget.provider import _Server
from tests.gadgets.life import key_server
from tests.services.ports import free_ports


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@contextmanager
def written(folder: Path, *options: str) -> Iterator[tuple[str, ModuleType]]:
    """Writes a provider, runs it for this portal; yields the manifest's address and the program."""
    port = free_ports()
    origin = f"http://parks.localhost:{port}"
    assert main(["init", str(folder), "--origin", origin, "--provider", "公園の会", *options]) == 0
    spec = importlib.util.spec_from_file_location(f"written_{port}", folder / "provider.py")
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = program
    with key_server() as keys:
        spec.loader.exec_module(program)
        portal = type(program.provider.portal)(settings.PORTAL_URL)
        # The key set of this portal is on a port of its own here.
        portal._host, portal._port = urlsplit(keys).netloc, urlsplit(keys).port
        program.provider.portal = portal
        server = make_server("127.0.0.1", port, program.provider, _Server, _Silent)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{origin}/gadget.json", program
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)
            del sys.modules[spec.name]
