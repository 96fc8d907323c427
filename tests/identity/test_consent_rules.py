"""The pure rules of consent: how long a grant holds, what a level covers, what may be released."""

from datetime import UTC, datetime, timedelta

import pytest

from identity.domain.consent import GRANTED, REFUSED, WITHDRAWN, Notice, covers, holds

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "expires_at", "expected"),
    [
        (GRANTED, None, True),
        (GRANTED, NOW + timedelta(seconds=1), True),
        (GRANTED, NOW, False),
        (REFUSED, None, False),
        (WITHDRAWN, NOW + timedelta(days=1), False),
    ],
)
def test_only_a_grant_in_force_holds(status: str, expires_at: datetime | None, expected: bool) -> None:
    assert holds(status, expires_at, NOW) is expected


def test_a_higher_level_must_ask_again() -> None:
    assert covers("pairwise", "audience")
    assert covers("audience", "audience")
    assert not covers("audience", "pairwise")


def test_a_notice_is_known_by_language_and_text() -> None:
    assert Notice("ja", "a").sha256 == Notice("ja", "a").sha256
    assert Notice("ja", "a").sha256 != Notice("en", "a").sha256
    assert Notice("ja", "a").sha256 != Notice("ja", "b").sha256
