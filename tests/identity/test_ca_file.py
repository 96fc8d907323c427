"""A certificate of the city's own authority: taken for the ID and the broker with `CA_FILE`, refused without."""

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gadgets.webhooks import logout
from identity import loopback


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A server with a certificate of its own authority for 127.0.0.1: its port, and the authority's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "City CA")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, both = tmp_path / "ca.pem", tmp_path / "server.pem"
    authority.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both.write_bytes(private + authority.read_bytes())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.server_port, authority
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize("host", ["127.0.0.1", "id.region.localhost"])
def test_the_citys_own_authority_is_taken_with_the_file_and_refused_without(
    inside: tuple[int, Path], settings: Any, host: str
) -> None:
    port, authority = inside
    settings.LOOPBACK_NAMES, settings.CA_FILE = True, ""
    with loopback.session() as http, pytest.raises(requests.exceptions.SSLError):
        http.get(f"https://{host}:{port}/", timeout=5)
    settings.CA_FILE = str(authority)
    with loopback.session() as http:
        assert http.get(f"https://{host}:{port}/", timeout=5).text == "ok"
    assert not logout.post(f"https://{host}:{port}/", b"", 3.0), "the authority speaks for no provider"
