"""Lets time pass for one account: its proofs of the person, at the portal and at the embedded ID, are ten minutes old.

As a program it runs with the settings of a site: `python -m tests.journeys.ageing USERNAME`. Keycloak needs no help:
it asks again when the portal tells it that a proof of now is wanted.
"""

import os
import sys


def age(username: str, seconds: int = 600) -> None:
    """Every open session of this account."""
    from importlib import import_module

    from django.conf import settings

    from identity.embedded import driver, sign_ins
    from identity.models import OidcSession, ProviderSession, Resident
    from identity.sessions import portal_sessions

    resident = Resident.objects.get(username=username)
    keys = [
        *OidcSession.objects.filter(sub=resident.subject).values_list("session_key", flat=True),
        *ProviderSession.objects.filter(resident=resident).values_list("session_key", flat=True),
    ]
    for key in set(keys):
        held = import_module(settings.SESSION_ENGINE).SessionStore(key)
        for name in (portal_sessions.AUTH_TIME, driver.AUTH_TIME, sign_ins.CODE_TIME):
            if name in held:
                held[name] -= seconds
        held.save()


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    age(sys.argv[1])
