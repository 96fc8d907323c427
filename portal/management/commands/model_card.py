"""Writes the card of the model as text: what ranks, by what, learnt from what, checked how."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.urls import reverse
from django.utils.translation import override

from portal.figures import model_card

LANGUAGES = ("ja", "ja-simple", "en")
LINKED = ("mydata:personalisation", "mydata:ranking", "figures:ranking")


class Command(BaseCommand):
    """model_card [--language en]"""

    help = "Writes the model card, made of the code and of the weights that are active."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--language", choices=LANGUAGES, default="ja", help="of the text")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        with override(options["language"]):
            address = {name: reverse(name) for name in LINKED}
            self.stdout.write(model_card.markdown(options["language"], address))
