"""`manage.py ranking_snapshots`: shows the versions of the learnt weights, activates one, rolls back."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.errors import SnapshotMissingError, SnapshotRefusedError
from recommender.learning import snapshots
from recommender.learning.snapshots import Version


class Command(BaseCommand):
    """Prints no weight of anybody: a snapshot has none."""

    help = "Versions of the learnt weights: list, show, activate, roll-back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        does = parser.add_subparsers(dest="does", required=True, metavar="list|show|activate|roll-back")
        does.add_parser("list")
        show = does.add_parser("show")
        show.add_argument("number", type=int)
        activate = does.add_parser("activate")
        activate.add_argument("number", type=int)
        for asked in (activate, does.add_parser("roll-back")):
            asked.add_argument("--reason", required=True, help="kept with the snapshot")

    def handle(self, *, does: str, number: int = 0, reason: str = "", **_: Any) -> None:
        try:
            if does == "list":
                self._list()
            elif does == "show":
                self._show(snapshots.version(number))
            elif does == "activate":
                snapshots.activate(number=number, reason=reason, who=_who())
                self.stdout.write(f"snapshot {number} ranks now")
            else:
                back = snapshots.roll_back(reason=reason, who=_who())
                self.stdout.write(f"snapshot {back} ranks again; learning goes on from there")
        except SnapshotMissingError as error:
            raise CommandError(f"no such snapshot: {error}") from error
        except SnapshotRefusedError as error:
            raise CommandError(f"refused: {error}") from error

    def _list(self) -> None:
        found = snapshots.versions()
        for one in found:
            self.stdout.write(
                f"{one.id:>6}  {one.state:<9}  {one.created_at:%Y-%m-%d %H:%M}  {one.cells} cells  {_failed(one)}"
            )
        if not found:
            self.stdout.write("nothing was learnt yet: the editors' prior ranks alone")

    def _show(self, one: Version) -> None:
        self.stdout.write(
            f"snapshot {one.id}: {one.state}, {one.cells} cells, made {one.created_at:%Y-%m-%d %H:%M}"
        )
        if one.activated_at:
            self.stdout.write(f"activated {one.activated_at:%Y-%m-%d %H:%M}")
        if not one.checks:
            self.stdout.write(f"not decided: {one.fresh_visits} of {snapshots.ENOUGH} fresh visits so far")
        for line in one.checks:
            self.stdout.write(f"{'ok' if line.ok else 'FAILS'}  {line.name}: {line.words}")


def _failed(one: Version) -> str:
    return "; ".join(line.words for line in one.checks if not line.ok)


def _who() -> str:
    try:
        return getpass.getuser()
    except OSError:
        return "unknown"
