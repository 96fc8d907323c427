"""One counter for every limit, and the true time to wait: the next use goes through just then, and not before."""

from pathlib import Path

import pytest
from allauth.core.internal import ratelimit
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.test import RequestFactory

from identity import rate
from identity.embedded import sign_in_limits

ROOT = Path(__file__).resolve().parents[2]
COUNTS_OTHERWISE = {
    "identity/rate.py": "the counter",
    "gadgets/cards/breaker.py": "counts failures, refuses nobody for having asked",
    "gadgets/metrics/recent_faults.py": "counts outcomes of cards",
    "portal/web/cache.py": "the cache itself",
}


def use() -> int:
    return rate.seconds_to_wait("test", 1, most=2, period=60)


@pytest.mark.parametrize("later", [0.0, 0.25, 17.5, 59.0, 59.9])
def test_the_wait_is_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch, later: float) -> None:
    cache.clear()
    start = 1_900_000_000.0
    monkeypatch.setattr(rate.time, "time", lambda: start)
    assert [use(), use()] == [0, 0]
    monkeypatch.setattr(rate.time, "time", lambda: start + later)
    wait = use()
    assert start + 60 <= start + later + wait < start + 61
    assert isinstance(wait, int)
    monkeypatch.setattr(rate.time, "time", lambda: start + later + wait)
    assert [use(), use()] == [0, 0]
    assert use() == 60


def test_another_name_has_its_own_count() -> None:
    cache.clear()
    assert [use(), use(), use() > 0] == [0, 0, True]
    assert rate.seconds_to_wait("test", 2, most=2, period=60) == 0


def test_nothing_counts_uses_with_a_counter_of_its_own() -> None:
    found = {
        str(path.relative_to(ROOT))
        for package in ("core", "gadgets", "identity", "portal", "recommender")
        for path in (ROOT / package).rglob("*.py")
        if "cache.incr(" in path.read_text() or "def incr(" in path.read_text()
    }
    assert found == set(COUNTS_OTHERWISE)


def test_the_id_says_when_its_fullest_limit_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    """allauth lets a try through when the oldest of the counted ones is over a minute old."""
    cache.clear()
    request = RequestFactory().post("/login/")
    request.user = AnonymousUser()
    start = 1_900_000_000.0
    (one,) = (found for found in ratelimit.get_rates(app=sign_in_limits.APP, action="signup"))
    for number in range(one.amount):
        monkeypatch.setattr(sign_in_limits.time, "time", lambda at=start + number / 4: at)
        assert ratelimit.consume(request, app=sign_in_limits.APP, action="signup")
    wait = sign_in_limits.seconds_to_wait(request)
    now = start + (one.amount - 1) / 4
    assert wait == pytest.approx(start + one.duration - now, abs=1)
    monkeypatch.setattr(sign_in_limits.time, "time", lambda: now + wait - 1)
    assert not ratelimit.consume(request, app=sign_in_limits.APP, action="signup")
    monkeypatch.setattr(sign_in_limits.time, "time", lambda: now + wait)
    assert ratelimit.consume(request, app=sign_in_limits.APP, action="signup")
