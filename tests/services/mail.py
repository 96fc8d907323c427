"""A mail server that keeps every mail as a file instead of delivering it: what Keycloak and the portal send in tests.

`python -m tests.services.mail --port P --folder F` runs it; `start` does so for `tests.services`.
"""

import argparse
import email
import email.policy
import os
import re
import secrets
import socketserver
import sys
import tempfile
import time
from email.message import EmailMessage
from html import unescape
from pathlib import Path

from demo.supervise import Launcher, wait_until
from tests.services.ports import free_ports, is_free

LARGEST = 1_000_000


class _Session(socketserver.StreamRequestHandler):
    """One conversation of SMTP (RFC 5321): as much as a sender needs that speaks to a relay nearby."""

    timeout = 30

    def handle(self) -> None:
        folder = self.server.folder  # type: ignore[attr-defined]
        self._say(220, "ready")
        recipients: list[str] = []
        while line := self.rfile.readline(2000):
            verb = line.strip().upper()
            if verb.startswith((b"EHLO", b"HELO")):
                self._say(250, "mail sink")
            elif verb.startswith(b"MAIL FROM:") or verb in {b"RSET", b"NOOP"}:
                recipients = []
                self._say(250, "OK")
            elif verb.startswith(b"RCPT TO:"):
                recipients.append(line.decode(errors="replace").partition("<")[2].partition(">")[0])
                self._say(250, "OK")
            elif verb == b"DATA" and recipients:
                self._say(354, "end with a dot")
                _keep(folder, self._body())
                self._say(250, "kept")
            elif verb == b"QUIT":
                self._say(221, "bye")
                return
            else:
                self._say(502, "not known here")

    def _body(self) -> bytes:
        lines = []
        size = 0
        while (line := self.rfile.readline(LARGEST)) not in {b".\r\n", b".\n", b""}:
            size += len(line)
            if size > LARGEST:
                raise ConnectionError("a mail of more than a megabyte")
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, code: int, text: str) -> None:
        self.wfile.write(f"{code} {text}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(("127.0.0.1", port), _Session)
        self.folder = folder


def _keep(folder: Path, raw: bytes) -> None:
    """Under a name that sorts by time, and never half written."""
    name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    part = folder / f"{name}.part"
    part.write_bytes(raw)
    part.rename(folder / f"{name}.eml")


def start(launcher: Launcher) -> dict[str, str]:
    """Starts the server; returns its port, and the folder of the mails."""
    folder = Path(tempfile.mkdtemp(prefix="mail-", dir=launcher.folder))
    port = free_ports()
    running = launcher.start(
        "mail", [sys.executable, "-m", "tests.services.mail", "--port", str(port), "--folder", str(folder)],
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    wait_until(running, lambda: not is_free(port), 30)
    return {"MAIL_FOLDER": str(folder), "MAIL_PORT": str(port)}


# --- reading ---------------------------------------------------------------------------------------------------


def received(to: str, folder: str | None = None) -> list[EmailMessage]:
    """The mails to this address, the oldest first."""
    found = []
    for path in sorted(Path(folder or os.environ["MAIL_FOLDER"]).glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if to.lower() in str(message["To"]).lower():
            found.append(message)
    return found


def wait_for(to: str, *, after: int = 0, seconds: float = 30) -> EmailMessage:
    """The latest mail to this address when there are more than `after`; fails when none comes."""
    until = time.monotonic() + seconds
    while len(mails := received(to)) <= after:
        if time.monotonic() > until:
            raise AssertionError(f"no mail number {after + 1} to {to} within {seconds} seconds")
        time.sleep(0.1)
    return mails[-1]


def text(message: EmailMessage) -> str:
    """Its plain text."""
    body = message.get_body(("plain", "html"))
    assert body is not None
    return str(body.get_content())


def link(message: EmailMessage) -> str:
    """The first address in it."""
    found = re.search(r"https?://[^\s\"<>]+", text(message))
    assert found, text(message)
    return unescape(found[0])


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.services.mail")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    chosen = parser.parse_args()
    with _Server(chosen.port, chosen.folder) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
