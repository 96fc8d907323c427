"""The WSGI entry of a web process; also starts the executor that this process may own."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from portal.executor import executor  # noqa: E402  (settings must be ready first)

executor().start()
