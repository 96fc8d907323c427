"""The request token says exactly what left, for one request and one minute, and never a subject below pairwise."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import ECKey, KeySet

from gadgets.cards import signing
from gadgets.types import Wanted
from tests.gadgets.samples import claim, info

NOW = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
URL = "https://waste.example/g/card"
RESIDENT = UUID(int=1)


def personal(**changes: Any) -> Wanted:
    return Wanted(
        info(**changes),
        "M",
        "ja",
        {"bins": "all"},
        granted=("area.waste_zone",),
        claims={"area.waste_zone": "7"},
        resident_id=RESIDENT,
        consent_version=3,
    )


def opened(token: str) -> jwt.Token:
    return jwt.decode(token, KeySet.import_key_set(signing.jwks()), algorithms=["ES256"])


def test_the_token_holds_exactly_what_the_specification_lists(settings: Any) -> None:
    settings.PORTAL_URL = "https://portal.example"
    token = opened(signing.mint(personal(), method="GET", url=URL + "?x=1#y", now=NOW))
    jti = token.claims.pop("jti")
    assert len(jti) == 32
    assert token.claims == {
        "iss": "https://portal.example",
        "aud": "example.waste.calendar",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 60,
        "htm": "GET",
        "htu": URL,
        "ver": "2.1.0",
        "granted": ["area.waste_zone"],
        "claims": {"area.waste_zone": "7"},
        "ctx": {"locale": "ja", "size": "M", "settings": {"bins": "all"}},
    }


def test_the_header_names_type_algorithm_and_key() -> None:
    token = opened(signing.mint(personal(), method="GET", url=URL, now=NOW))
    assert token.header == {"typ": "rgadget+jwt", "alg": "ES256", "kid": signing.jwks()["keys"][0]["kid"]}


def test_each_token_has_an_id_of_its_own() -> None:
    ids = {opened(signing.mint(personal(), method="GET", url=URL, now=NOW)).claims["jti"] for _ in range(20)}
    assert len(ids) == 20


def test_the_public_form_holds_nothing_of_a_resident() -> None:
    token = opened(signing.mint(Wanted(info(), "S", "en", {"bins": "all"}), method="GET", url=URL, now=NOW))
    assert token.claims["granted"] == []
    assert token.claims["claims"] == {}
    assert "sub" not in token.claims


def test_a_subject_goes_out_at_pairwise_and_only_there() -> None:
    token = opened(signing.mint(personal(identity="pairwise"), method="GET", url=URL, now=NOW, sub="p-1"))
    assert token.claims["sub"] == "p-1"
    with pytest.raises(ValueError, match="pairwise"):
        signing.mint(personal(), method="GET", url=URL, now=NOW, sub="p-1")
    with pytest.raises(ValueError, match="pairwise"):
        signing.mint(personal(identity="pairwise"), method="GET", url=URL, now=NOW)
    with pytest.raises(ValueError, match="pairwise"):
        signing.mint(Wanted(info(identity="pairwise"), "M", "ja"), method="GET", url=URL, now=NOW, sub="p-1")


def test_values_of_many_are_lists() -> None:
    gadget = info(claims=[claim("household.school_years")])
    many = Wanted(
        gadget,
        "M",
        "ja",
        granted=("household.school_years",),
        claims={"household.school_years": ("e3", "preschool")},
        resident_id=RESIDENT,
    )
    token = opened(signing.mint(many, method="GET", url=URL, now=NOW))
    assert token.claims["claims"] == {"household.school_years": ["e3", "preschool"]}


def test_the_key_set_holds_public_halves_only() -> None:
    (key,) = signing.jwks()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    assert key["kid"] == ECKey.import_key(key).thumbprint()


def test_a_new_key_has_a_new_id_and_the_old_token_no_longer_fits(settings: Any) -> None:
    token = signing.mint(personal(), method="GET", url=URL, now=NOW)
    before = signing.jwks()
    settings.GADGET_SIGNING_KEY = ECKey.generate_key("P-256").as_pem(private=True).decode()
    assert signing.jwks()["keys"][0]["kid"] != before["keys"][0]["kid"]
    with pytest.raises(InvalidKeyIdError):
        opened(token)


def test_a_key_on_another_curve_is_refused(settings: Any) -> None:
    settings.GADGET_SIGNING_KEY = ECKey.generate_key("P-384").as_pem(private=True).decode()
    with pytest.raises(ValueError, match="P-256"):
        signing.signing_key()


@pytest.mark.parametrize(
    ("url", "named"),
    [("https://a.example", "https://a.example/"), ("https://a.example/c?q#f", "https://a.example/c")],
)
def test_htu_has_no_query_and_no_fragment(url: str, named: str) -> None:
    assert signing.htu(url) == named
