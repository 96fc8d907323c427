"""The WSGI entry of a web process; also starts the executor that this process may own, and the writing of figures."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from gadgets.serving import figures  # noqa: E402
from portal.executor import executor  # noqa: E402

executor().start()
figures.start()
