"""The people of the journeys: like Hanako or Taro, one for each journey that changes something.

A journey that answers a question for consent needs somebody who was never asked, and a place whose card nobody
has fetched yet: so each has a district of a waste zone of their own. As a program it makes them in the database
of the site whose settings it is started with.
"""

import os
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from demo.cast import HANAKO, Person

if TYPE_CHECKING:
    from keycloak import KeycloakAdmin

ZONES = {
    "granting": ("hanazono", "1"),
    "refusing": ("kifu", "2"),
    "moving": ("ritsurin", "3"),
    "withdrawing": ("kita", "4"),
    "outage": ("danshi", "5"),
    "hanging": ("busshozan", "7"),
    "scriptless": ("sogo", "7"),
    "looking": ("busshozan", "7"),
    "switching": ("busshozan", "7"),
    "leaving": ("busshozan", "7"),
    "returning": ("busshozan", "7"),
    "merging": ("busshozan", "7"),
    "twin": ("busshozan", "7"),
    "linking": ("busshozan", "7"),
    "telling": ("busshozan", "7"),
    "minding": ("busshozan", "7"),
    "joining": ("busshozan", "7"),
    "besieged": ("busshozan", "7"),
    "agreeing": ("busshozan", "7"),
    "declining": ("busshozan", "7"),
    "framing": ("busshozan", "7"),
    "lowering": ("busshozan", "7"),
    "teaching": ("busshozan", "7"),
    "sheltering": ("busshozan", "7"),
}
"""Name of the journey → district, and its waste zone. Zone 6 is where `withdrawing` moves to."""


def _like_hanako(number: int, name: str, district: str) -> Person:
    return replace(
        HANAKO,
        key=name,
        id=UUID(f"00000000-0000-4000-8000-{1000 + number:012d}"),
        username=f"journey-{name}",
        email=f"journey-{name}@region.localhost",
        attributes={**HANAKO.attributes, "area.district": district},
    )


PEOPLE: dict[str, Person] = {
    name: _like_hanako(number, name, district)
    for number, (name, (district, _zone)) in enumerate(ZONES.items())
}


def make_all() -> None:
    """All of them, with an account at the ID and the attributes and the opt-in of Hanako."""
    from django.conf import settings
    from django.utils import timezone

    from identity import actions
    from identity.domain.consent import Notice
    from identity.domain.roles import SYSTEM, Actor
    from identity.residents import onboarding

    notice = Notice(language="ja", text="おすすめの並べかえに、あなたの属性を使います。")
    subjects = _accounts() if settings.ID_PROVIDER == "keycloak" else {}
    for person in PEOPLE.values():
        subject = subjects.get(person.key, "")
        by = Actor(id=person.id, roles=frozenset())
        actions.create_resident(
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
        actions.set_attributes(resident_id=person.id, values=person.attributes, by=by)
        actions.opt_in_personalisation(resident_id=person.id, notice=notice, controller="くらしの窓口", by=by)
        onboarding.set_onboarded(resident_id=person.id, by=SYSTEM, now=timezone.now())


def keycloak_admin() -> "KeycloakAdmin":
    """With the rights of the portal's service account, no more."""
    from keycloak import KeycloakAdmin

    return KeycloakAdmin(
        server_url=os.environ["KEYCLOAK_URL"],
        realm_name=os.environ["KEYCLOAK_REALM"],
        client_id=os.environ["KEYCLOAK_ADMIN_CLIENT_ID"],
        client_secret_key=os.environ["KEYCLOAK_ADMIN_CLIENT_SECRET"],
        timeout=30,
    )


def _accounts() -> dict[str, str]:
    """Accounts at Keycloak, as somebody at the counter would make them: their subjects."""
    admin = keycloak_admin()
    return {
        person.key: admin.create_user(
            {
                "username": person.username,
                "email": person.email,
                "emailVerified": True,
                "enabled": True,
                "attributes": {"locale": ["ja"]},
                "credentials": [{"type": "password", "value": person.password, "temporary": False}],
            },
            exist_ok=True,
        )
        for person in PEOPLE.values()
    }


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    make_all()
