"""The field key is rotated: several keys open, the newest seals, and one command seals everything again."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.core.management import call_command
from django.db import models
from django.utils import timezone

from identity import crypto, queries, sealed
from identity.errors import CannotUnseal
from identity.models import GadgetClient, LogoutDelivery, OidcSession
from identity.oidc import clients
from identity.residents import resident_numbers
from tests import cast

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
PLACE = "place"


def before_rotation(plain: bytes, place: str, key: bytes = OLD) -> bytes:
    """As values were sealed when there was one key for ever."""
    nonce = b"\1" * 12
    return nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def test_the_newest_key_seals_and_every_key_opens(settings: Any) -> None:
    settings.FIELD_KEYS = (OLD,)
    first = crypto.seal(b"secret", place=PLACE)
    settings.FIELD_KEYS = (NEW, OLD)
    second = crypto.seal(b"secret", place=PLACE)
    for value in (first, second, before_rotation(b"secret", PLACE), before_rotation(b"secret", PLACE, NEW)):
        assert crypto.unseal(value, place=PLACE) == b"secret"
    assert (crypto.is_newest(first), crypto.is_newest(second)) == (False, True)
    settings.FIELD_KEYS = (NEW,)
    assert crypto.unseal(second, place=PLACE) == b"secret"
    for value in (first, before_rotation(b"secret", PLACE)):
        with pytest.raises(CannotUnseal):
            crypto.unseal(value, place=PLACE)


@pytest.mark.parametrize("cut", [0, 3, 4, 11, 12, 23, 24, 30])
def test_what_is_short_changed_or_elsewhere_does_not_open(settings: Any, cut: int) -> None:
    settings.FIELD_KEYS = (NEW, OLD)
    value = crypto.seal(b"secret", place=PLACE)
    changed = value[:cut] + bytes([value[cut] ^ 1]) + value[cut + 1 :]
    for wrong, place in ((value[:cut], PLACE), (changed, PLACE), (value, "another")):
        with pytest.raises(CannotUnseal):
            crypto.unseal(wrong, place=place)


def fill() -> GadgetClient:
    """A value in each column, sealed as before keys could be rotated."""
    client = GadgetClient.objects.create(
        gadget_id="example.waste", client_id="gadget-waste", sector_host="waste.example",
        identity_level="pairwise", salt_sealed=before_rotation(b"salt", crypto.client_place("gadget-waste")),
    )  # fmt: skip
    OidcSession.objects.create(
        issuer="i", sub="s", sid="sid", session_key="key",
        id_token_sealed=before_rotation(b"a.b.c", crypto.session_place("key")),
    )  # fmt: skip
    OidcSession.objects.create(issuer="i", sub="s", sid="other", session_key="other", id_token_sealed=None)
    LogoutDelivery.objects.create(
        client=client, jti="jti", token_expires_at=timezone.now(),
        token_sealed=before_rotation(b"d.e.f", crypto.delivery_place("gadget-waste", "jti")),
    )  # fmt: skip
    return client


def opened() -> list[bytes]:
    return [
        crypto.unseal(bytes(value), place=column.place(row))
        for column in sealed.COLUMNS
        for row in column.model._default_manager.order_by("pk")
        if (value := getattr(row, column.field))
    ]


def checked() -> int:
    try:
        call_command("reseal", "--check")
    except SystemExit as end:
        return int(str(end.code))
    return 0


@pytest.mark.django_db
def test_the_command_seals_everything_again_so_that_the_old_key_can_go(
    settings: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "AT_ONCE", 1)
    settings.FIELD_KEYS, settings.NUMBER_KEY = (OLD,), OLD
    client, hanako = fill(), cast.hanako()
    known = (resident_numbers.number_of(hanako.handle), queries.ranking_subject(hanako.id))
    pseudonym = clients.pairwise_subject(client, hanako)
    settings.FIELD_KEYS = (NEW, OLD)
    assert checked() == 1
    assert opened() == [b"salt", b"a.b.c", b"d.e.f"], "counting changes nothing"
    call_command("reseal")
    assert checked() == 0
    assert (
        "identity_gadgetclient.salt_sealed: 新しい鍵 0、封じなおし 1、開けられない 0"
        in capsys.readouterr().out
    )
    settings.FIELD_KEYS = (NEW,)
    assert opened() == [b"salt", b"a.b.c", b"d.e.f"]
    client.refresh_from_db()
    assert clients.pairwise_subject(client, hanako) == pseudonym
    assert (resident_numbers.number_of(hanako.handle), queries.ranking_subject(hanako.id)) == known


@pytest.mark.django_db
def test_what_no_key_opens_is_counted_and_left(settings: Any) -> None:
    settings.FIELD_KEYS = (OLD,)
    fill()
    held = bytes(GadgetClient.objects.get().salt_sealed)
    settings.FIELD_KEYS = (NEW, OTHER)
    with pytest.raises(SystemExit) as end:
        call_command("reseal")
    assert end.value.code == 1
    assert bytes(GadgetClient.objects.get().salt_sealed) == held


def test_every_sealed_column_is_sealed_again() -> None:
    columns = {
        (model, one.name)
        for model in apps.get_models()
        for one in model._meta.local_fields
        if isinstance(one, models.BinaryField) and one.name.endswith("_sealed")
    }
    assert {(column.model, column.field) for column in sealed.COLUMNS} == columns
