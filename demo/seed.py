"""Fills a demo: fixed cast, sample pages, real events, five gadgets by the real way, made-up residents.

Everything is made once: a second run changes nothing and takes seconds. The three providers and the City OS must be running,
because registering a gadget means that its checks call it.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from core.region.current import current_region
from core.region_time import region_date
from demo import region_data, samples
from demo.cast import BUSCO, CAST, RESIDENTS, WASTECO, Child, Person
from gadgets import actions as gadget_actions
from gadgets import queries as gadget_queries
from gadgets.cityos import queries as contract_queries
from gadgets.errors import GadgetError
from gadgets.layout.layout import Slot
from gadgets.metrics import small_cells
from gadgets.queries import GadgetView
from gadgets.registration import check_runs
from identity import actions as identity_actions
from identity import queries as identity_queries
from identity.domain.attributes import AGE_BANDS, DISTRICTS, Value, to_json
from identity.domain.consent import Notice
from identity.domain.roles import SYSTEM, Actor
from identity.household import authority, guardianships
from identity.residents import onboarding
from portal.content import actions as content_actions
from portal.content.errors import ContentError
from portal.content.models import Persona
from portal.imports import event_import

EVENTS = region_data.folder() / "events.csv"
NOTICE = Notice(
    language="ja", text="お住まいの地区や関心のある話題を、お知らせの順番を決めるために使います。"
)
SYNTHETIC = 2_000
CHECKS_TAKE_AT_MOST = 120
SLOTS = (
    Slot("localhost.waste.calendar", "M", locked=True),
    Slot("localhost.lunch.menu", "S"),
    Slot("localhost.river.level", "S"),
)
PROVIDERS = (
    ("waste", 1, "WasteCo", "company", WASTECO),
    ("lunch", 2, "学校給食の見本事業者", "company", WASTECO),
    ("river", 3, "川の見本事業者", "company", WASTECO),
    ("shelter", 5, "避難所の見本事業者", "department", WASTECO),
)
"""Name, distance of its port from the portal's, organisation, kind, and who acts for it."""
QUERIES = ("river-near-you.json", "library-near-you.json")
CITY_OS = ("cityos", 4, "まちのデータの見本事業者", "npo", WASTECO)
"""Its gadgets are nothing but these files; the data are the river provider's and the city's own."""
GAUGE_TYPE, GAUGE_PROVIDER = "WaterLevelObserved", "localhost.river.level"
AGE_WEIGHTS = (15, 7, 10, 12, 15, 12, 13, 16)
"""Percent of each age band, rounded from the city's table of population by district (February 2026)."""


def fill(say: Callable[[str, int], None], *, synthetic: int = SYNTHETIC, with_gadgets: bool = True) -> None:
    """Makes what is not there yet, and says how many of each; `CommandError` with a sentence when it cannot."""
    content_actions.ensure_site()
    try:
        people = make_cast()
        say("cast", len(people))
        say("personas", make_personas())
        now = timezone.now()
        say("sample pages", samples.make_samples(now=now))
        say("events", import_events(now))
        say("made-up residents", make_synthetic(synthetic))
        if with_gadgets and region_data.has_providers():
            say("gadgets", register_gadgets(people))
            content_actions.set_default_slots(slots=SLOTS, by=SYSTEM)
            say("cells of claims", small_cells.count())
    except (ContentError, GadgetError) as error:
        raise CommandError(str(error)) from error


def import_events(now: datetime) -> int:
    """The region's own list, when the demo has it; returns how many events are new or changed."""
    sources = current_region().sources
    if not sources or not EVENTS.is_file():
        return 0
    report = event_import.import_events(EVENTS.read_bytes(), source=sources[0], now=now)
    return report.created + report.updated


# --- people --------------------------------------------------------------------------------------------------


def make_cast() -> dict[str, Actor]:
    """Every member of the cast with attributes, opt-in and roles; who exists already keeps their own choices."""
    subjects = _subjects_at_the_id()
    return {person.key: _make(person, subjects.get(person.username, "")) for person in CAST.values()}


def _make(person: Person, subject: str) -> Actor:
    actor = Actor(id=person.id, roles=frozenset(person.roles))
    if identity_queries.bundle(person.id) is not None:
        return actor
    identity_actions.create_resident(
        resident_id=person.id,
        username=person.username,
        email=person.email,
        display_name=person.display_name,
        locale=person.locale,
        issuer=settings.OIDC_ISSUER if subject else "",
        subject=subject,
        password=None if subject else person.password,
        by=SYSTEM,
    )
    if person.attributes:
        identity_actions.set_attributes(resident_id=person.id, values=person.attributes, by=actor)
    if person.opted_in:
        identity_actions.opt_in_personalisation(
            resident_id=person.id, notice=NOTICE, controller=current_region().portal_name["ja"], by=actor
        )
    if person.roles:
        identity_actions.set_roles(resident_id=person.id, roles=person.roles, by=SYSTEM)
    if person.totp_key and not subject and settings.DEMO:
        identity_actions.set_up_sample_codes(resident_id=person.id, secret=person.totp_secret, by=SYSTEM)
    # They have been here before: nobody welcomes them at their next sign-in.
    onboarding.set_onboarded(resident_id=person.id, by=SYSTEM, now=timezone.now())
    for child in person.children:
        _add_child(person, child)
    return actor


def _add_child(person: Person, child: Child) -> None:
    """A child of one of the cast: a ward with a district and a school year of its own."""
    years = (child.school_year,)
    guardianships.add_child(
        guardian=person.id,
        name=child.name,
        ends_on=authority.end_of_school(region_date(), years),
        values={"area.district": person.attributes["area.district"], "household.school_years": years},
        by=Actor(id=person.id),
        ward_id=child.id,
    )


def _subjects_at_the_id() -> Mapping[str, str]:
    """In a city the cast has accounts at Keycloak: their subjects by user name. The embedded ID needs none."""
    if settings.ID_PROVIDER != "keycloak":
        return {}
    from keycloak import KeycloakAdmin
    from keycloak.exceptions import KeycloakError

    try:
        admin = KeycloakAdmin(
            server_url=settings.KEYCLOAK_URL,
            realm_name=settings.KEYCLOAK_REALM,
            client_id=settings.KEYCLOAK_ADMIN_CLIENT_ID,
            client_secret_key=settings.KEYCLOAK_ADMIN_CLIENT_SECRET,
            timeout=10,
        )
        found = {person.username: admin.get_user_id(person.username) for person in CAST.values()}
    except KeycloakError as error:
        raise CommandError(f"Keycloak at {settings.KEYCLOAK_URL} did not give the cast: {error}") from error
    missing = sorted(name for name, subject in found.items() if not subject)
    if missing:
        raise CommandError(f"Keycloak has no account of {', '.join(missing)}.")
    return {name: str(subject) for name, subject in found.items() if subject}


def make_personas() -> int:
    """The residents of the cast as personas for editors; none when there are some already. Returns how many."""
    if Persona.objects.exists():
        return 0
    made = [
        Persona(
            key=person.key,
            name=person.called["ja"],
            name_en=person.called["en"],
            attributes=to_json(person.attributes),
            order=10 * number,
        )
        for number, person in enumerate(RESIDENTS, start=1)
    ]
    return len(Persona.objects.bulk_create(made))


def make_synthetic(number: int) -> int:
    """Made-up residents, spread as the city's people are; none when there are some already."""
    from identity.domain.audience import Audience

    everybody = identity_queries.audience_counts(Audience())
    if everybody is not None or number <= 0:
        return 0
    return identity_actions.create_synthetic(
        people=_people(number, Random(37201)),  # noqa: S311 (made-up people, the same each time)
        notice=NOTICE,
        controller=current_region().portal_name["ja"],
        by=SYSTEM,
    )


def _people(number: int, random: Random) -> Iterator[Mapping[str, Value]]:
    districts = list(DISTRICTS.values())
    weights = [district.population or 1 for district in districts]
    for district in random.choices(districts, weights, k=number):
        age = random.choices(AGE_BANDS, AGE_WEIGHTS)[0]
        values: dict[str, Value] = {"area.district": district.code, "age_band": age, "language": "ja"}
        if random.random() < 0.02:
            values["language"] = random.choice(("en", "ja-simple"))
        if age in {"25-34", "35-44", "45-54"} and random.random() < 0.45:
            years = ("preschool", "e1", "e2", "e3", "e4", "e5", "e6", "j1", "j2", "j3")
            values["household.school_years"] = tuple(random.sample(years, random.choice((1, 1, 2))))
        yield values


# --- gadgets -------------------------------------------------------------------------------------------------


def register_gadgets(people: Mapping[str, Actor]) -> int:
    """Each provider registers, submits and is approved as it would be by hand; returns how many were new."""
    path = Path(settings.VAR_DIR) / "providers.json"
    clients: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.is_file() else {}
    made = 0
    for name, offset, organisation, kind, person in PROVIDERS:
        actor, operator = people[person.key], people["operator"]
        url = _manifest_url(name, offset)
        known = _find(url)
        if known is None or known.published is None:
            gadget_id = _publish(
                known, url, _organisation(organisation, kind, person, actor), actor, operator
            )
            made += 1
        else:
            gadget_id = known.id
        if name not in clients:
            clients |= _client(name, gadget_id)
            _keep(path, clients)
    made += _register_queries(people)
    _organisation("BusCo", "company", BUSCO, people[BUSCO.key])
    return made


def _register_queries(people: Mapping[str, Actor]) -> int:
    """The gadgets of the City OS; the river's provider agrees that its data are read."""
    name, offset, organisation, kind, person = CITY_OS
    actor, operator, made = people[person.key], people["operator"], 0
    if not contract_queries.owner_name(GAUGE_TYPE):
        gadget_actions.give_data(
            gadget_id=GAUGE_PROVIDER,
            entity_type=GAUGE_TYPE,
            reason="水位の記録は、この見本事業者が出しているため",
            by=operator,
        )
        gadget_actions.let_alert(
            gadget_id=GAUGE_PROVIDER,
            allowed=True,
            reason="水位が危険な高さになったことを伝えるため",
            by=operator,
        )
    for file in QUERIES:
        url = _manifest_url(name, offset, file)
        known = _find(url)
        if known is None or known.published is None:
            provider_id = _organisation(organisation, kind, person, actor)
            _publish(known, url, provider_id, actor, operator, owner=people[WASTECO.key])
            made += 1
    return made


def _manifest_url(name: str, offset: int, file: str = "gadget.json") -> str:
    parts = urlsplit(settings.PORTAL_URL)
    return f"http://{name}.localhost:{(parts.port or 80) + offset}/{file}"


def _find(url: str) -> GadgetView | None:
    return next((gadget for gadget in gadget_queries.review_queue() if gadget.url == url), None)


def _publish(
    known: GadgetView | None,
    url: str,
    provider_id: int,
    actor: Actor,
    operator: Actor,
    owner: Actor | None = None,
) -> str:
    """Goes on where an earlier run was interrupted. `owner`: agrees to what is asked of their data."""
    if known is None or known.draft is None:
        gadget_id = gadget_actions.register(url=url, provider_id=provider_id, by=actor)
    else:
        gadget_id = known.id
        if not gadget_queries.waits(known):
            gadget_actions.run_checks(gadget_id=gadget_id, by=actor)
    if known is None or not gadget_queries.waits(known):
        _checked(gadget_id)
        gadget_actions.submit(gadget_id=gadget_id, by=actor)
    for contract in contract_queries.of_gadget(gadget_id):
        if owner is not None and contract_queries.waits(contract):
            gadget_actions.agree_contract(contract_id=contract.id, by=owner)
    gadget_actions.approve(gadget_id=gadget_id, by=operator, verified=True)
    return gadget_id


def _organisation(name: str, kind: str, person: Person, actor: Actor) -> int:
    for known in gadget_queries.organisations(person.id):
        if known.name == name:
            return known.id
    # Together, so that nobody is sent the mail that asks: one person has more organisations here than mails a day.
    with transaction.atomic():
        number = gadget_actions.create_organisation(name=name, kind=kind, contact=person.email, by=actor)
        gadget_actions.vouch(provider_id=number, by=SYSTEM)
    return number


def _checked(gadget_id: str) -> None:
    """Runs the checks here, or waits for the worker that has taken them; `CommandError` with the failed lines."""
    until = time.monotonic() + CHECKS_TAKE_AT_MOST
    while time.monotonic() < until:
        check_runs.run_waiting()
        view = gadget_queries.gadget_for_operator(gadget_id)
        run = view.draft.run if view and view.draft else None
        if run is not None and not run.open:
            if run.ok:
                return
            failed = [f"{line.title['ja']}: {line.message['ja']}" for line in run.lines if line.ok is False]
            raise CommandError("\n".join([f"{gadget_id} は検査に合格しませんでした。", *failed]))
        time.sleep(0.2)
    raise CommandError(f"{gadget_id} の検査が {CHECKS_TAKE_AT_MOST} 秒で終わりませんでした。")


def _client(name: str, gadget_id: str) -> dict[str, dict[str, str]]:
    """A secret for the provider's site, which the portal does not keep; a gadget without a site has none."""
    published = gadget_queries.registry().gadgets.get(gadget_id)
    if published is None or published.login_url is None:
        return {}
    made = gadget_actions.rotate_secret(gadget_id=gadget_id, by=SYSTEM)
    return {name: {"client_id": made.client_id, "client_secret": made.client_secret}}


def _keep(path: Path, clients: Mapping[str, Mapping[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(clients, indent=1) + "\n")
