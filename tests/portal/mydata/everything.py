"""A resident of whom every table of the database holds something, and a walk over all of it for what names them."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Any

from allauth.account.models import EmailAddress
from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.db import connection, models
from django.db.models import ForeignObjectRel
from django.utils import timezone
from wagtail.models import ModelLogEntry, Page, Revision
from wagtail.users.models import UserProfile

from gadgets import actions as gadget_actions
from gadgets.models import EventDelivery
from identity import actions, crypto, queries
from identity.domain.consent import Notice
from identity.domain.roles import SYSTEM
from identity.household import guardianships
from identity.models import ConsentEvent, GadgetClient, KnownDevice, OidcSession, ProviderSession, Resident
from recommender import actions as actions_of_ranking
from recommender.models import Pending, PriorChange, Rule
from tests import cast
from tests.portal.mydata.conftest import LUNCH, RIVER, WASTE

NAME = "架空坂 たまき"
CHILD = "架空坂 こはる"
EMAIL = "kaku-tamaki.7731@mail.example"
OTHER_ADDRESS = "another-7731@mail.example"

NOT_PEOPLE = frozenset(
    {
        "identity_resident.id", "identity_resident.handle", "identity_guardianship.id", "identity_erasure.id",
        "identity_consentreceipt.id", "gadgets_eventdelivery.txn", "gadgets_statenotice.txn",
        "oauth2_provider_refreshtoken.token_family",
        "oauth2_provider_idtoken.jti", "wagtailcore_modellogentry.uuid", "wagtailcore_pagelogentry.uuid",
        "wagtailcore_page.translation_key", "wagtailcore_referenceindex.content_path_hash",
        "recommender_interaction.visit", "identity_sealedaccess.handle",
    }
)  # fmt: skip
"""Columns of the type UUID that no key to a resident is ever written to."""


@dataclass
class Everything:
    """The person, the ward that goes with them, and what names either: a value for each kind of name."""

    resident: Resident
    ward: Resident
    page: Page
    names: dict[str, str] = field(default_factory=dict)
    handles: tuple[str, ...] = ()


def fill() -> Everything:
    """Acts as far as acts can do it; then a row by force in each table that is still without one."""
    resident = actions.create_resident(
        display_name=NAME, username="tamaki-7731", email=EMAIL, password="a-password-7731", by=SYSTEM
    )
    made = Resident.objects.get(pk=resident)
    by = cast.as_actor(made)
    values: dict[str, object] = {
        "area.district": "busshozan",
        "age_band": "35-44",
        "household.school_years": ["e3"],
    }
    actions.set_attributes(resident_id=made.pk, values=values, by=by)
    actions.set_roles(resident_id=made.pk, roles=["editor", "operator", "provider"], by=SYSTEM)
    ward = _household(made)
    sub = _consents(made)
    gadget_actions.place(resident_id=made.pk, gadget_id=WASTE, by=SYSTEM)
    cast.released(made, WASTE, ["area.waste_zone"], via="card")
    keys = _sessions(made)
    page = _editing(made)
    EmailAddress.objects.create(user=made, email=OTHER_ADDRESS, verified=True)
    _behaviour(made)
    _behaviour(ward)
    _fill_the_rest(made)
    made.refresh_from_db()
    names = {
        "id": str(made.pk), "id in hex": made.pk.hex, "subject": made.subject, "username": made.username,
        "e-mail": EMAIL, "other address": OTHER_ADDRESS, "name": NAME, "pseudonym": sub, **keys,
        "ward": str(ward.pk), "ward in hex": ward.pk.hex, "ward's subject": ward.subject,
        "ward's username": ward.username, "ward's name": CHILD,
        "recommender's pseudonym": queries.ranking_subject(made.pk),
        "recommender's pseudonym of the ward": queries.ranking_subject(ward.pk),
    }  # fmt: skip
    handles = tuple(spelling for one in (made, ward) for spelling in (str(one.handle), one.handle.hex))
    return Everything(made, ward, page, names, handles)


def _household(resident: Resident) -> Resident:
    ward = guardianships.add_child(
        guardian=resident.pk,
        name=CHILD,
        ends_on=timezone.localdate() + timedelta(days=300),
        values={"household.school_years": ["e3"]},
        by=cast.as_actor(resident),
    )
    actions.grant(
        resident_id=ward, recipient=WASTE, purpose="card", items=["area.waste_zone"], declared=["area.waste_zone"],
        level="audience", notice=Notice("ja", f"{CHILD}さんのために見せた文"), controller="Example Waste Ltd",
        by=cast.as_actor(resident),
    )  # fmt: skip
    guardianships.make_code(ward=ward, by=cast.as_actor(resident))
    return Resident.objects.get(pk=ward)


def _consents(resident: Resident) -> str:
    """A grant that was withdrawn, one under a pseudonym, a refusal; returns the pseudonym."""
    GadgetClient.objects.create(
        gadget_id=LUNCH, client_id="gadget-lunch", sector_host="waste.example", identity_level="pairwise",
        salt_sealed=crypto.seal(b"a-salt", place=crypto.client_place("gadget-lunch")),
        claims=["household.school_years"],
    )  # fmt: skip
    given: dict[str, Any] = {
        "resident_id": resident.pk,
        "purpose": "card",
        "notice": Notice("ja", f"{NAME}さんに見せた文"),
        "controller": "Example Waste Ltd",
        "by": cast.as_actor(resident),
    }
    zone, years = ["area.waste_zone"], ["household.school_years"]
    actions.grant(recipient=WASTE, items=zone, declared=zone, level="audience", **given)
    actions.grant(recipient=LUNCH, items=years, declared=years, level="pairwise", **given)
    actions.refuse(recipient=RIVER, items=["age_band"], declared=["age_band"], level="none", **given)
    actions.withdraw(resident_id=resident.pk, recipient=WASTE, by=cast.as_actor(resident))
    EventDelivery.objects.create(
        gadget_id=LUNCH, kind="consent-withdrawn", items=["age_band"], resident_id=resident.pk,
        sub=queries.subject_for(resident.pk, "gadget-lunch"),
    )  # fmt: skip
    return queries.subject_for(resident.pk, "gadget-lunch")


def _behaviour(resident: Resident) -> None:
    """What the recommender holds of somebody: the log, a sum that waits, an entry that was put away; and a rule."""
    subject, now = queries.ranking_subject(resident.pk), timezone.now()
    actions_of_ranking.record_act(subject, uuid.uuid4(), "p1", "open", now, 1)
    actions_of_ranking.dismiss(subject, "p2", now)
    _by_force(Pending, {"subject": subject})
    _by_force(Rule, {"by": resident.pk, "starts_at": now, "ends_at": now + timedelta(days=1)})
    _by_force(PriorChange, {"by": resident.pk})


def _sessions(resident: Resident) -> dict[str, str]:
    """A session of the portal, one of the ID with its client's part, and one of the ID that no table points to."""
    engine = import_module(settings.SESSION_ENGINE)

    def opened(**data: str) -> str:
        session = engine.SessionStore()
        session.update(data)
        session.save()
        return str(session.session_key)

    portal = opened(_resident=str(resident.pk))
    at_id, lonely = opened(_auth_user_id=str(resident.pk)), opened(_auth_user_id=str(resident.pk))
    device = KnownDevice.objects.create(resident=resident, secret_sha256="d" * 64, label="Firefox, Linux")
    OidcSession.objects.create(
        issuer=resident.issuer, sub=resident.subject, sid="sid-7731-portal", session_key=portal, device=device
    )
    ProviderSession.objects.create(
        resident=resident, client_id="gadget-lunch", sid="sid-7731-client", sign_in="sign-in-7731",
        session_key=at_id, auth_time=timezone.now(),
    )  # fmt: skip
    return {
        "portal session": portal, "session at the ID": at_id, "lonely session": lonely,
        "sid": "sid-7731-portal", "client's sid": "sid-7731-client", "sign-in": "sign-in-7731",
    }  # fmt: skip


def _editing(resident: Resident) -> Page:
    """A page that they own, with a revision that says so, a comment in it, history, and a picture of theirs."""
    page = Page.objects.filter(depth=2).first() or Page.get_first_root_node().add_child(
        instance=Page(title="窓口")
    )
    page = page.add_child(
        instance=Page(title="公開した仕事", owner=resident, locked=True, locked_by=resident, live=True)
    )
    revision = page.save_revision(user=resident, log_action=True)
    content = {
        **revision.content,
        "wagtail_admin_comments": [{"pk": 1, "user": str(resident.pk), "text": "下書き"}],
    }
    Revision.objects.filter(pk=revision.pk).update(content=content)
    ModelLogEntry.objects.create(
        content_type=ContentType.objects.get_for_model(Resident), object_id=str(resident.pk), label=NAME,
        action="wagtail.edit", timestamp=timezone.now(),
    )  # fmt: skip
    profile = UserProfile.get_for_user(resident)
    profile.avatar.save("me.png", ContentFile(b"picture"))
    return Page.objects.get(pk=page.pk)


# --- a row by force ------------------------------------------------------------------------------------------


def relations() -> Iterator[tuple[type[models.Model], str]]:
    """Every column of the database that points to a resident, by model and field."""
    for relation in Resident._meta.get_fields(include_hidden=True):
        if isinstance(relation, ForeignObjectRel) and not relation.field.many_to_many:
            yield relation.field.model, relation.field.name


def uuid_columns() -> set[str]:
    """Every other column that could hold a resident's key as it is."""
    return {
        f"{model._meta.db_table}.{one.column}"
        for model in apps.get_models(include_auto_created=True)
        for one in model._meta.local_fields
        if isinstance(one, models.UUIDField)
    }


def _fill_the_rest(resident: Resident) -> None:
    """Where another person is needed beside this one, it is Linh."""
    cast.linh()
    for model, name in relations():
        if not model._base_manager.filter(**{name: resident}).exists():
            _by_force(model, {name: resident})
    if not ConsentEvent.objects.filter(resident_id=resident.pk).exists():
        raise AssertionError("decisions leave no event any more: fill this table another way")


def _by_force(model: type[models.Model], given: dict[str, Any]) -> models.Model:
    """A row with the least that its columns want; no `save` of its own is asked."""
    values = dict(given)
    for one in model._meta.concrete_fields:
        if one.name in values or (one.primary_key and isinstance(one, models.AutoField)) or one.has_default():
            continue
        if isinstance(one, models.ForeignKey):
            if not one.null:
                target = one.related_model
                same = [key.pk for key in given.values() if isinstance(key, target)]
                others = target._base_manager.exclude(pk__in=same)
                values[one.name] = others.first() or _by_force(target, {})
            continue
        values[one.name] = _least(one)
    return model._base_manager.bulk_create([model(**values)])[0]


def _least(one: models.Field[Any, Any]) -> Any:
    if one.choices:
        return one.flatchoices[0][0]
    makers: dict[type[models.Field[Any, Any]], Callable[[], Any]] = {
        models.DateTimeField: timezone.now,
        models.DateField: timezone.localdate,
        models.BooleanField: lambda: False,
        models.BinaryField: lambda: b"\0",
        models.JSONField: dict,
        models.UUIDField: uuid.uuid4,
        models.IntegerField: lambda: 1,
        models.DecimalField: lambda: 0,
        models.FloatField: lambda: 1.0,
    }
    for kind, maker in makers.items():
        if isinstance(one, kind):
            return maker()
    return uuid.uuid4().hex[: one.max_length or 32]


# --- the walk ------------------------------------------------------------------------------------------------


def places_of(needles: dict[str, str]) -> dict[str, set[str]]:
    """Where in the whole database each of these names stands, as table.column; sessions are opened."""
    found: dict[str, set[str]] = {kind: set() for kind in needles}
    with connection.cursor() as cursor:
        tables = sorted(connection.introspection.table_names(cursor))
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  the database's own catalogue
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    _look(found, needles, f"{table}.{column}", value)
    for session in Session.objects.all():
        _look(found, needles, "django_session.data", json.dumps(session.get_decoded(), ensure_ascii=False))
    return found


def _look(found: dict[str, set[str]], needles: dict[str, str], place: str, value: Any) -> None:
    if value is None or isinstance(value, bool | int | float):
        return
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        text = raw.decode("utf-8", "ignore").casefold()
    else:
        raw = b""
        text = (value if isinstance(value, str) else _as_text(value)).casefold()
    for kind, needle in needles.items():
        spelled = needle.casefold()
        escaped = json.dumps(needle).strip('"').casefold()
        if spelled in text or escaped in text or (raw and _raw_key(needle) in raw):
            found[kind].add(place)


def _as_text(value: Any) -> str:
    return (
        json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)
    )


def _raw_key(needle: str) -> bytes:
    """A key as sixteen bytes; something that stands nowhere for what is no key."""
    try:
        return uuid.UUID(needle).bytes
    except ValueError:
        return needle.encode()
