"""Runs the fourth provider: `python -m examples.fourth --port 8004`, from the root of the repository."""

import logging

from examples.fourth.provider import build
from examples.kit.config import from_command_line

logging.basicConfig(level=logging.INFO, format="%(asctime)s fourth %(levelname)s %(message)s")
build(from_command_line("fourth", 8006)).serve()
