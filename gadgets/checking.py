"""The conformance checks as this portal runs them: the environment that its settings make."""

from django.conf import settings

from gadgets import keys
from gadgets.conformance import Environment, Signer
from gadgets.http import door


def environment() -> Environment:
    """This portal, as the checks are handed it."""
    return Environment(portal=settings.PORTAL_URL, signer=Signer(keys.signing_key()), door=door())
