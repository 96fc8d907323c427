"""Runs the City OS: `python -m examples.cityos --port 8004`, from the root of the repository."""

import logging

from examples.cityos.provider import build
from examples.kit.config import from_command_line

logging.basicConfig(level=logging.INFO, format="%(asctime)s cityos %(levelname)s %(message)s")
build(from_command_line("cityos", 8004)).serve()
