"""Runs the lunch provider: `python -m examples.lunch --port 8002`, from the root of the repository."""

import logging

from examples.kit.config import from_command_line
from examples.lunch.provider import build

logging.basicConfig(level=logging.INFO, format="%(asctime)s lunch %(levelname)s %(message)s")
build(from_command_line("lunch", 8002)).serve()
