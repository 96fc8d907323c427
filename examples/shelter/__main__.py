"""Runs the shelter provider: `python -m examples.shelter --port 8005`, from the root of the repository."""

import logging

from examples.kit.config import from_command_line
from examples.shelter.provider import build

logging.basicConfig(level=logging.INFO, format="%(asctime)s shelter %(levelname)s %(message)s")
build(from_command_line("shelter", 8005)).serve()
