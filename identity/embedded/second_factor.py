"""One-time codes of the embedded ID. allauth.mfa keeps the key and does the arithmetic; ours: each code once, sealed keys.

A code is good for its half minute and the one before and after. Which were used stands in the row of the key, not in
a cache that may be lost or may be several.
"""

import base64
import re
import time
import unicodedata
from typing import Any
from uuid import UUID

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm as BaseAuthenticateForm
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm as BaseActivateForm
from allauth.mfa.totp.internal.auth import (
    TOTP,
    clear_totp_secret,
    format_hotp_value,
    hotp_value,
    validate_totp_code,
    yield_hotp_counters_from_time,
)
from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from core.region.current import current_region
from identity import crypto
from identity.audit import chain
from identity.domain.roles import OPERATOR, Actor
from identity.errors import NotAllowed
from identity.models import Resident

PERIOD = 30
_PLACE = "second-factor"
_SAMPLE = "sample"
_USED = "used"


class Adapter(DefaultMFAAdapter):
    """Keys are sealed in the database; what a person reads is in their language."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy(
            "コードが違うか、もう使われています。アプリに出ている新しいコードを入れてください。"
        ),
    }

    def encrypt(self, text: str) -> str:
        """For the row of the key."""
        return base64.b64encode(crypto.seal(text.encode(), place=_PLACE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The reverse."""
        return crypto.unseal(base64.b64decode(encrypted_text), place=_PLACE).decode()

    def get_totp_issuer(self) -> str:
        """What an authenticator app shows above the code."""
        return current_region().portal_name["ja"]

    def get_totp_label(self, user: Any) -> str:
        """The name that the person types at sign-in."""
        return str(user.email or user.username)


def plain_code(typed: str) -> str:
    """Digits as they were meant: full-width ones too, without the blanks that apps show between them."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", typed))


def has_codes(resident: Resident) -> bool:
    """Whether this account has set up codes."""
    return bool(_rows(resident).exists())


def _rows(resident: Resident) -> Any:
    return Authenticator.objects.filter(user_id=resident.pk, type=Authenticator.Type.TOTP)


@transaction.atomic
def accept(resident: Resident, typed: str) -> Authenticator | None:
    """The key whose code this is, and the code is used up; None for a wrong or a used one."""
    code = plain_code(typed)
    for row in _rows(resident).select_for_update():
        secret = _secret(row)
        counters = list(yield_hotp_counters_from_time())
        used = [one for one in row.data.get(_USED, ()) if one >= counters[0]]
        for counter in counters:
            if counter in used:
                continue
            if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, counter))):
                row.data = {**row.data, _USED: [*used, counter]}
                row.save(update_fields=["data"])
                found: Authenticator = row
                return found
    return None


def _secret(row: Authenticator) -> str:
    return Adapter().decrypt(row.data["secret"])


@transaction.atomic
def set_up(resident: Resident, secret: str, *, by: Actor | None = None, sample: bool = False) -> None:
    """Keeps the key; who has one already gets no second one."""
    Resident.objects.select_for_update(no_key=True).get(pk=resident.pk)
    if has_codes(resident):
        return
    row = TOTP.activate(resident, secret).instance
    if sample:
        row.data = {**row.data, _SAMPLE: True}
        row.save(update_fields=["data"])
    chain.record("second_factor_set_up", who=resident.pk, by=by)


def set_up_sample_codes(*, resident_id: UUID, secret: str, by: Actor) -> None:
    """A known key for an account of the demo; raises `NotAllowed` anywhere else."""
    if not settings.DEMO or by.id is not None or not by.has(OPERATOR):
        raise NotAllowed
    set_up(Resident.objects.get(pk=resident_id), secret, by=by, sample=True)


def sample_code(resident: Resident | None) -> str:
    """In the demo, and for its sample accounts alone: a code that is good now. "" for everybody else."""
    if not settings.DEMO or resident is None:
        return ""
    row = _rows(resident).first()
    if row is None or not row.data.get(_SAMPLE):
        return ""
    now = int(time.time()) // PERIOD
    used = set(row.data.get(_USED, ()))
    counter = next((one for one in (now, now + 1, now - 1) if one not in used), None)
    return "" if counter is None else format_hotp_value(hotp_value(_secret(row), counter))


# --- forms ---------------------------------------------------------------------------------------------------


def _code_field(form: forms.Form) -> None:
    field = form.fields["code"]
    field.label = gettext_lazy("確認コード（6けた）")
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs.update(autocomplete="one-time-code", inputmode="numeric", spellcheck="false")


class CodeForm(BaseAuthenticateForm):
    """The code that the app shows, at sign-in and before something that needs it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _code_field(self)

    def clean_code(self) -> str:
        """Too many wrong ones wait for five minutes; only who knows the password gets as far as this."""
        clear = check_rate_limit(self.user)
        code: str = self.cleaned_data["code"]
        row = accept(self.user, code)
        if row is None:
            raise Adapter().validation_error("incorrect_code")
        row.user = self.user
        self.authenticator = row
        clear()
        return code


class SetUpForm(BaseActivateForm):
    """The first code of a new app proves that the key has arrived in it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _code_field(self)

    def clean_code(self) -> str:
        """The key is the one that this session showed."""
        clear = check_rate_limit(self.user, error_key="too_many_login_attempts")
        code = plain_code(self.cleaned_data["code"])
        if not validate_totp_code(self.secret, code):
            raise Adapter().validation_error("incorrect_code")
        clear()
        return code

    def save(self, request: HttpRequest) -> None:
        """From now on the account has codes, and this one is used."""
        set_up(self.user, self.secret)
        accept(self.user, self.cleaned_data["code"])
        clear_totp_secret(request)
