"""Runs the waste provider: `python -m examples.waste --port 8001`, from the root of the repository."""

import logging

from examples.kit.config import from_command_line
from examples.waste.provider import build

logging.basicConfig(level=logging.INFO, format="%(asctime)s waste %(levelname)s %(message)s")
build(from_command_line("waste", 8001)).serve()
