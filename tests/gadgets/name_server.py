"""A name server on this machine: answers from a table, says that it failed, keeps silent, or waits to be released."""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

SILENT = "silent"
FAILS = "fails"
HELD = "held"


@dataclass
class NameServer:
    """`zone` maps a name to its addresses, `SILENT`, `HELD` or `FAILS`; any other name does not exist."""

    zone: Mapping[str, Sequence[str] | str]
    port: int = 0
    asked: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    """Once set, whoever asked for a name that is held reads that the server failed."""

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    @contextmanager
    def running(self) -> Iterator["NameServer"]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.settimeout(0.1)
            self.port = sock.getsockname()[1]
            over = threading.Event()
            thread = threading.Thread(target=self._serve, args=(sock, over))
            thread.start()
            try:
                yield self
            finally:
                over.set()
                thread.join()

    def _serve(self, sock: socket.socket, over: threading.Event) -> None:
        held: list[tuple[bytes, tuple[str, int]]] = []
        while not over.is_set():
            if self.released.is_set():
                for raw, client in held:
                    sock.sendto(raw, client)
                held.clear()
            try:
                raw, client = sock.recvfrom(4096)
            except TimeoutError:
                continue
            query = dns.message.from_wire(raw)
            name = query.question[0].name.to_text(omit_final_dot=True)
            self.asked.append(name)
            kind = self.zone.get(name)
            if kind == HELD:
                held.append((self._answer(query, FAILS).to_wire(), client))
            elif kind != SILENT:
                sock.sendto(self._answer(query, kind).to_wire(), client)

    def _answer(self, query: dns.message.Message, held: Sequence[str] | str | None) -> dns.message.Message:
        question = query.question[0]
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if held is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif held == FAILS:
            answer.set_rcode(dns.rcode.SERVFAIL)
        else:
            version = {dns.rdatatype.A: ".", dns.rdatatype.AAAA: ":"}[question.rdtype]
            fitting = [address for address in held if version in address]
            if fitting:
                answer.answer.append(
                    dns.rrset.from_text(
                        question.name, 60, "IN", dns.rdatatype.to_text(question.rdtype), *fitting
                    )
                )
        return answer
