"""What the database keeps sealed with the field key, and sealing it again with the newest one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from identity import crypto
from identity.errors import CannotUnseal
from identity.models import GadgetClient, LogoutDelivery, OidcSession

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Column:
    """One column of sealed values; `place` is what a row's value is bound to."""

    model: type[models.Model]
    field: str
    place: Callable[[Any], str]

    def __str__(self) -> str:
        return f"{self.model._meta.db_table}.{self.field}"


COLUMNS = (
    Column(GadgetClient, "salt_sealed", lambda row: crypto.client_place(row.client_id)),
    Column(OidcSession, "id_token_sealed", lambda row: crypto.session_place(row.session_key)),
    Column(LogoutDelivery, "token_sealed", lambda row: crypto.delivery_place(row.client.client_id, row.jti)),
)


@dataclass(frozen=True, slots=True)
class Counted:
    """Of one column: values with the newest key, values sealed again (or to be), values that no key opens."""

    newest: int
    again: int
    lost: int


def reseal(column: Column, *, write: bool) -> Counted:
    """Seals every older value with the newest key, a few rows to a transaction; without `write` it only counts."""
    newest = again = lost = 0
    last: Any = None
    while True:
        with transaction.atomic():
            rows = column.model._default_manager.order_by("pk")
            if write:
                rows = rows.select_for_update()
            page = list((rows if last is None else rows.filter(pk__gt=last))[:AT_ONCE])
            for row in page:
                sealed = bytes(getattr(row, column.field) or b"")
                if not sealed or crypto.is_newest(sealed):
                    newest += 1
                    continue
                try:
                    plain = crypto.unseal(sealed, place=column.place(row))
                except CannotUnseal:
                    lost += 1
                    continue
                again += 1
                if write:
                    value = crypto.seal(plain, place=column.place(row))
                    column.model._default_manager.filter(pk=row.pk).update(**{column.field: value})
        if len(page) < AT_ONCE:
            return Counted(newest, again, lost)
        last = page[-1].pk
