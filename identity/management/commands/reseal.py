"""Seals every secret of the database again with the newest field key, or says what still needs an older one."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from identity import sealed


class Command(BaseCommand):
    """Exit status: 0 every value has the newest key, 1 some still need an older one, or no key opens them."""

    help = "データベースの秘密の値を、いちばん新しい FIELD_KEY で封じなおします。--check は数えるだけです。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="何も変えず、数えるだけにします")

    def handle(self, *_args: Any, **options: Any) -> None:
        left = 0
        for column in sealed.COLUMNS:
            counted = sealed.reseal(column, write=not options["check"])
            left += counted.lost + (counted.again if options["check"] else 0)
            word = "古い鍵" if options["check"] else "封じなおし"
            self.stdout.write(
                f"{column}: 新しい鍵 {counted.newest}、{word} {counted.again}、開けられない {counted.lost}"
            )
        if left:
            sys.exit(1)
