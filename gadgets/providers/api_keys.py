"""Keys with which an organisation's own tools talk to `/api/provider/`: made, known again, taken back.

A key is shown once; its SHA-256 is kept, and that is enough: it is 256 random bits, so nothing can be guessed from
the hash. It works for one organisation, and only while whoever made it may still act for it.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from gadgets.errors import KeyRefusedError, LifeError, NotPermittedError, TooManyCallsError
from gadgets.models import ApiToken, Membership
from identity import queries, rate
from identity.domain.roles import Actor

PREFIX = "rgk_"
DAYS = 90
LIVE_AT_MOST = 10
CALLS_A_MINUTE = 60
_NAME_LENGTH = 60
_MAY = (Membership.Role.OWNER, Membership.Role.DEVELOPER)


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as the console lists it; the key itself is nowhere any more."""

    id: int
    name: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None

    def works(self, now: datetime) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Holder:
    """Who calls: the organisation of the key, and the member on whose behalf its tool acts."""

    key_id: int
    provider_id: int
    actor: Actor


def keys_of(*, provider_id: int, by: Actor) -> tuple[KeyView, ...]:
    """The keys of an organisation, the newest first, for those who may make them."""
    _may(provider_id, by)
    return tuple(
        KeyView(row.pk, row.name, row.made_at, row.expires_at, row.used_at, row.revoked_at)
        for row in ApiToken.objects.filter(provider_id=provider_id).order_by("-made_at", "-pk")
    )


@transaction.atomic
def make_api_key(*, provider_id: int, name: str, by: Actor) -> str:
    """A key that works for 90 days; returned here once and kept nowhere."""
    _may(provider_id, by)
    words = name.replace("\0", "").strip()
    if not words or len(words) > _NAME_LENGTH:
        raise LifeError(gettext_noop("鍵の名前を、60文字までで書いてください（どこで使うかが分かる名前）。"))
    now = timezone.now()
    # The organisation's members are few: locking their rows makes two who press at once wait for each other.
    list(Membership.objects.select_for_update().filter(provider_id=provider_id))
    live = ApiToken.objects.filter(provider_id=provider_id, revoked_at=None, expires_at__gt=now)
    if live.count() >= LIVE_AT_MOST:
        raise LifeError(
            gettext_noop("有効な鍵は %(most)s 個までです。使っていない鍵を無効にしてから作ってください。"),
            most=LIVE_AT_MOST,
        )
    key = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(
        provider_id=provider_id,
        name=words,
        token_hash=_hash(key),
        made_by_id=by.id,
        made_at=now,
        expires_at=now + timedelta(days=DAYS),
    )
    return key


@transaction.atomic
def revoke_api_key(*, key_id: int, by: Actor) -> None:
    """From now on the key opens nothing; taking it back twice is no error."""
    row = ApiToken.objects.filter(pk=key_id).first()
    if row is None:
        raise NotPermittedError
    _may(row.provider_id, by)
    ApiToken.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=timezone.now())


def authenticate(raw: str, *, now: datetime) -> Holder:
    """Who calls with this key; raises KeyRefusedError in one and the same way for every bad key."""
    wanted = _hash(raw)
    row = ApiToken.objects.filter(token_hash=wanted, revoked_at=None, expires_at__gt=now).first()
    if row is None or not hmac.compare_digest(row.token_hash, wanted) or row.made_by_id is None:
        raise KeyRefusedError
    # Without roles: a tool of an operator's organisation has no more rights than another.
    actor = Actor(id=row.made_by_id)
    if not _acts_for(row.provider_id, actor) or not queries.living(row.made_by_id):
        raise KeyRefusedError
    wait = rate.seconds_to_wait("provider-api", row.pk, most=CALLS_A_MINUTE, period=60)
    if wait:
        raise TooManyCallsError(wait)
    ApiToken.objects.filter(pk=row.pk).update(used_at=now)
    return Holder(row.pk, row.provider_id, actor)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _acts_for(provider_id: int, by: Actor) -> bool:
    if by.id is None:
        return False
    return Membership.objects.filter(provider_id=provider_id, resident_id=by.id, role__in=_MAY).exists()


def _may(provider_id: int, by: Actor) -> None:
    if not _acts_for(provider_id, by):
        raise NotPermittedError
