#!/usr/bin/env python
"""Runs Django's and Madoguchi's management commands."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    # A city's image has no demo.
    if find_spec("demo"):
        from demo.run import command_environment

        found = command_environment(os.environ, Path(__file__).parent)
        if found:
            os.environ.update(found)
            sys.stderr.write(f"manage.py: the demo in {found['VAR_DIR']}\n")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    execute_from_command_line(sys.argv)
