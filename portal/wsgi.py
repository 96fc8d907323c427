"""The WSGI entry of a web process; also starts its executor, where it owns one, and the writing of figures and visits."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from gadgets.metrics import call_metrics  # noqa: E402
from portal.executor import executor  # noqa: E402
from portal.home.feedback import impressions  # noqa: E402

executor().start()
call_metrics.start()
impressions.start()
