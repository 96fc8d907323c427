"""Request tokens for the checks: good ones for every persona, and bad ones that are wrong in one point each."""

import json
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from gadgets.conformance.environment import ALGORITHM, Environment
from gadgets.contract.manifest import Manifest, default_settings
from gadgets.serving import keys
from gadgets.types import Texts, Value
from identity import attributes

PERSONAS: Mapping[str, Mapping[str, Value]] = MappingProxyType(
    {
        name: attributes.derive({key: attributes.validate(key, value) for key, value in values.items()})
        for name, values in {
            "hanako": {
                "area.district": "busshozan",
                "age_band": "35-44",
                "household.has_child": True,
                "household.school_years": ["e3"],
                "language": "ja",
                "access_needs": ["furigana"],
            },
            "taro": {
                "area.district": "yashima",
                "age_band": "75+",
                "household.has_child": False,
                "household.school_years": [],
                "language": "ja",
                "access_needs": ["visual", "companion"],
            },
            "linh": {
                "area.district": "ritsurin",
                "age_band": "25-34",
                "household.has_child": False,
                "household.school_years": [],
                "language": "en",
                "access_needs": [],
            },
            "guest": {},
        }.items()
    }
)
"""Whom the cards are drawn for: a parent, an old man who lives alone, a newcomer, a guest."""


@dataclass(frozen=True, slots=True)
class Case:
    """One card: for whom, in which language, how large."""

    name: str
    claims: Mapping[str, Value]
    locale: str
    size: str


@dataclass(frozen=True, slots=True)
class Bad:
    """A token that must be refused, and what to do when it is not."""

    title: Texts
    token: str
    remedy: Texts


def cases(manifest: Manifest, locales: tuple[str, ...]) -> list[Case]:
    """Every persona that can make a difference, in each language and size."""
    declared = {claim.name for claim in manifest.claims}
    forms: dict[str, Mapping[str, Value]] = {}
    for name, values in PERSONAS.items():
        claims = {key: value for key, value in values.items() if key in declared}
        if claims not in forms.values():
            forms[name] = claims
    return [
        Case(f"{name}/{locale}/{size}", claims, locale, size)
        for name, claims in forms.items()
        for locale in locales
        for size in manifest.sizes
    ]


def claims_of(manifest: Manifest, case: Case, env: Environment) -> dict[str, Any]:
    """The claims of one request as the portal would send it."""
    issued = int(time.time())
    claims: dict[str, Any] = {
        "iss": env.issuer,
        "aud": manifest.id,
        "iat": issued,
        "exp": issued + keys.TOKEN_SECONDS,
        "jti": uuid.uuid4().hex,
        "htm": "GET",
        "htu": keys.htu(manifest.endpoints.card or ""),
        "ver": manifest.version,
        "granted": list(case.claims),
        "claims": {name: keys.plain(value) for name, value in case.claims.items()},
        "ctx": {"locale": case.locale, "size": case.size, "settings": default_settings(manifest)},
    }
    if manifest.identity == "pairwise" and case.claims:
        # A pseudonym of nobody: the checks must not leave a real resident's in a provider's records.
        claims["sub"] = str(uuid.uuid5(uuid.NAMESPACE_URL, f"conformance:{manifest.id}:{case.name}"))
    return claims


def good(manifest: Manifest, case: Case, env: Environment) -> str:
    """A token as the portal would send it for this case."""
    return env.signer.sign(claims_of(manifest, case, env), token_type=keys.TOKEN_TYPE)


def bad(manifest: Manifest, case: Case, env: Environment) -> Iterator[Bad]:
    """Each is wrong in one point only."""
    claims = claims_of(manifest, case, env)
    past = {"iat": claims["iat"] - 600, "exp": claims["iat"] - 600 + keys.TOKEN_SECONDS}
    for title, remedy, change in (
        (
            {"ja": "期限切れを断る", "en": "Refuses an expired token"},
            {"ja": "exp を過ぎたトークンには 401 を返してください。", "en": "Answer 401 after `exp`."},
            past,
        ),
        (
            {"ja": "別のサービスあてを断る", "en": "Refuses a wrong audience"},
            {
                "ja": f"aud が {manifest.id} であることを確かめてください。",
                "en": f"Check that `aud` is {manifest.id}.",
            },
            {"aud": "example.other.gadget"},
        ),
        (
            {"ja": "別のアドレスあてを断る", "en": "Refuses a wrong htu"},
            {
                "ja": "htu が呼ばれたアドレスと同じことを確かめてください。",
                "en": "Check that `htu` is the URL that was called.",
            },
            {"htu": f"{manifest.origin}/somewhere/else"},
        ),
    ):
        changed = {**claims, "jti": uuid.uuid4().hex, **change}
        yield Bad(title, env.signer.sign(changed, token_type=keys.TOKEN_TYPE), remedy)
    yield Bad(
        {"ja": "署名なし（alg: none）を断る", "en": "Refuses alg: none"},
        unsigned({**claims, "jti": uuid.uuid4().hex}, token_type=keys.TOKEN_TYPE),
        {"ja": "alg は ES256 だけを受け入れてください。", "en": "Accept ES256 only."},
    )
    yield Bad(
        {"ja": "知らない鍵を断る", "en": "Refuses an unknown key"},
        foreign({**claims, "jti": uuid.uuid4().hex}, token_type=keys.TOKEN_TYPE, kid=env.signer.kid),
        {
            "ja": "ポータルの /.well-known/jwks.json にある鍵だけを使って確かめてください。",
            "en": "Verify with the keys of the portal's /.well-known/jwks.json only.",
        },
    )


def unsigned(claims: Mapping[str, Any], *, token_type: str) -> str:
    """`alg: none`."""

    def part(value: Mapping[str, Any]) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': token_type})}.{part(claims)}."


def foreign(claims: Mapping[str, Any], *, token_type: str, kid: str) -> str:
    """Signed by a key made for this one token, which names the portal's key as its own."""
    header = {"alg": ALGORITHM, "typ": token_type, "kid": kid}
    return jwt.encode(header, dict(claims), ECKey.generate_key("P-256"), algorithms=[ALGORITHM])
