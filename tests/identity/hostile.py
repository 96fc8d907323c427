"""An ID that lies: discovery, keys and token endpoint whose answers a test bends as an attacker would."""

import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

_KEY = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"})
_KEY.ensure_kid()
KEY = _KEY

Make = Callable[[dict[str, Any]], str]


def sign(claims: dict[str, Any]) -> str:
    """An ID token as an honest ID would sign it."""
    return jwt.encode({"alg": "RS256", "kid": KEY.kid}, claims, KEY, ["RS256"])


def signed_with_public_key(claims: dict[str, Any]) -> str:
    """The old confusion: the public key, which everybody has, used as the secret of an HMAC."""

    def part(value: dict[str, Any]) -> bytes:
        return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signed = part({"alg": "HS256", "kid": KEY.kid}) + b"." + part(claims)
    mac = hmac.new(KEY.as_pem(private=False), signed, "sha256").digest()
    return (signed + b"." + urlsafe_b64encode(mac).rstrip(b"=")).decode()


class HostileId:
    """`make` turns the honest claims into the token that is sent; `delay` seconds pass before any answer."""

    def __init__(self) -> None:
        self.make: Make = sign
        self.delay = 0.0
        self.status = 200
        self.issuer_in_discovery = ""
        self.promises_issuer = False
        self.nonce = ""
        self.keys: list[dict[str, Any]] = [KEY.as_dict(private=False)]
        me = self

        class Handler(BaseHTTPRequestHandler):
            def _say(self, body: Any) -> None:
                time.sleep(me.delay)
                raw = json.dumps(body).encode()
                self.send_response(me.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                with suppress(ConnectionError):  # nobody waits any more
                    self.wfile.write(raw)

            def do_GET(self) -> None:
                if urlsplit(self.path).path.endswith("/jwks"):
                    self._say({"keys": me.keys})
                    return
                base = me.issuer
                self._say(
                    {
                        "issuer": me.issuer_in_discovery or base,
                        "authorization_endpoint": f"{base}/authorize",
                        "token_endpoint": f"{base}/token",
                        "jwks_uri": f"{base}/jwks",
                        "end_session_endpoint": f"{base}/logout",
                        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
                        "authorization_response_iss_parameter_supported": me.promises_issuer,
                    }
                )

            def do_POST(self) -> None:
                body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                assert body["code_verifier"]
                now = int(time.time())
                claims = {
                    "iss": me.issuer,
                    "aud": "portal",
                    "sub": "hanako-at-the-id",
                    "iat": now,
                    "exp": now + 120,
                    "nonce": me.nonce,
                    "sid": "sid",
                }
                self._say({"access_token": "a", "token_type": "Bearer", "id_token": me.make(claims)})

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.issuer = f"http://id.region.localhost:{self._server.server_port}/realm"

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()
