"""Runs the river provider: `python -m examples.river --port 8003`, from the root of the repository."""

import logging

from examples.kit.config import from_command_line
from examples.river.provider import build

logging.basicConfig(level=logging.INFO, format="%(asctime)s river %(levelname)s %(message)s")
build(from_command_line("river", 8003)).serve()
