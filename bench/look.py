"""Draws the benchmark's home once in this process and prints, as JSON, how many queries a warm one takes."""

import json
import sys
from urllib.parse import urlsplit

import django

django.setup()

from django.conf import settings  # noqa: E402  (settings must be ready first)
from django.test import Client  # noqa: E402

from bench import rows  # noqa: E402
from bench.seed import look  # noqa: E402

client = Client(HTTP_HOST=urlsplit(settings.PORTAL_URL).netloc)
rows.sign_in(client)
sys.stdout.write(json.dumps(look(client, "/")) + "\n")
