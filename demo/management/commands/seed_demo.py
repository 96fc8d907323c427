"""Fills the database of a demo with sample people, pages, events and gadgets."""

import logging
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo import seed


class Command(BaseCommand):
    """Idempotent; refuses to run where it is neither a demo nor a test."""

    help = "見本のデータを入れます。二度目は何も変えません。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-gadgets", action="store_true", help="ガジェットを登録しない")
        parser.add_argument("--synthetic", type=int, default=seed.SYNTHETIC, help="架空の住民の数")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not (settings.DEMO or settings.LOOPBACK_NAMES):
            raise CommandError("seed_demo は見本（DEMO=1）とテストのためのものです。")
        for noisy in ("django_tasks", "wagtail"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        seed.fill(self._say, synthetic=options["synthetic"], with_gadgets=not options["no_gadgets"])

    def _say(self, what: str, number: int) -> None:
        self.stdout.write(f"{what}: {number}")
