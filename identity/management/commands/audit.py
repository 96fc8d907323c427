"""`manage.py audit`: checks the audit chain and the ledger under it, or shows entries in codes and handles."""

import json
import re
from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.region_time import region_local, region_zone
from identity.audit import chain, verify
from identity.audit.verify import Expected


def _expected(text: str) -> Expected:
    found = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-f]{64})", text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not SEQ:SHA256, as `audit verify` prints it")
    return Expected(int(found[1]), found[2])


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date such as 2026-11-01 or 2026-11-01T09:00") from error
    return at if at.tzinfo else at.replace(tzinfo=region_zone())


class Command(BaseCommand):
    help = "The audit chain: verify checks it and the consent ledger, show prints entries."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        verify = acts.add_parser("verify", help="exit 1 with the first place that does not hold")
        verify.add_argument(
            "--expect", type=_expected, metavar="SEQ:SHA256", help="an entry that was noted before"
        )
        show = acts.add_parser("show", help="one line an entry, the oldest first")
        show.add_argument("--since", type=_moment, help="from this moment on, in the portal's time zone")
        show.add_argument("--kind", action="append", choices=sorted(chain.KINDS), help="may be repeated")
        show.add_argument("--limit", type=int, default=1000, help="at most so many (1000)")

    def handle(self, *_: Any, act: str, **options: Any) -> None:
        if act == "verify":
            self._verify(options["expect"])
        else:
            self._show(options["since"], options["kind"] or (), options["limit"])

    def _verify(self, expect: Expected | None) -> None:
        verdict = verify.verify(expect)
        self.stdout.write(f"entries: {verdict.entries}")
        self.stdout.write(f"head: {verdict.entries}:{verdict.head}")
        if not verdict.holds:
            raise CommandError(f"broken at {verdict.broken}: {verdict.reason}", returncode=1)
        self.stdout.write(
            f"erased people: {verdict.erased}; rows of the access log past their time: {verdict.expired}"
        )
        since = f", the oldest of {region_local(verdict.since):%Y-%m-%d %H:%M:%S}" if verdict.since else ""
        self.stdout.write(f"rows of the access log under no seal yet: {verdict.unsealed}{since}")
        self.stdout.write("the chain, the receipts, the access log and what holds now agree")

    def _show(self, since: datetime | None, kinds: tuple[str, ...], limit: int) -> None:
        for row in chain.entries(since=since, kinds=kinds, limit=limit):
            detail = json.dumps(row.detail, ensure_ascii=False, sort_keys=True)
            at = region_local(row.at).isoformat(timespec="seconds")
            self.stdout.write(f"{row.seq} {at} {row.kind} who={row.who or '-'} by={row.by or '-'} {detail}")
