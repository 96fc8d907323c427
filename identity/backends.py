"""Rights in the admin by the groups of a resident; it never checks a password, because the regional ID did that."""
# ruff: noqa: ARG002  (signatures are the libraries')

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from identity.models import Resident


class RegionalIdBackend(ModelBackend):
    """Django's rights of groups, without its way in."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Resident | None:
        """Always None: only a verified ID token opens a session."""
        return None
