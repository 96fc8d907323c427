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

from core.region.current import current_region
from core.texts import Texts
from gadgets.cards import signing
from gadgets.conformance.environment import ALGORITHM, Environment
from gadgets.protocol.manifest import Manifest, default_settings
from gadgets.types import Value, plain
from identity.domain import attributes

_PARENT_AT, _ALONE_AT, _NEWCOMER_AT = (district.code for district in current_region().example_districts)
PERSONAS: Mapping[str, Mapping[str, Value]] = MappingProxyType(
    {
        name: attributes.derive({key: attributes.validate(key, value) for key, value in values.items()})
        for name, values in {
            "hanako": {
                "area.district": _PARENT_AT,
                "age_band": "35-44",
                "household.has_child": True,
                "household.school_years": ["e3"],
                "language": "ja",
                "access_needs": ["furigana"],
            },
            "taro": {
                "area.district": _ALONE_AT,
                "age_band": "75+",
                "household.has_child": False,
                "household.school_years": [],
                "language": "ja",
                "access_needs": ["visual", "companion"],
            },
            "linh": {
                "area.district": _NEWCOMER_AT,
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
    """A token that must be refused, and what to do when it is not. `anywhere`: also at other endpoints than the card's."""

    title: Texts
    token: str
    remedy: Texts
    anywhere: bool = True


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
        "exp": issued + signing.TOKEN_SECONDS,
        "jti": uuid.uuid4().hex,
        "htm": "GET",
        "htu": signing.htu(manifest.endpoints.card or ""),
        "ver": manifest.version,
        "granted": list(case.claims),
        "claims": {name: plain(value) for name, value in case.claims.items()},
        "ctx": {"locale": case.locale, "size": case.size, "settings": default_settings(manifest)},
    }
    if manifest.identity == "pairwise" and case.claims:
        # A pseudonym of nobody: the checks must not leave a real resident's in a provider's records.
        claims["sub"] = str(uuid.uuid5(uuid.NAMESPACE_URL, f"conformance:{manifest.id}:{case.name}"))
    return claims


def good(manifest: Manifest, case: Case, env: Environment) -> str:
    """A token as the portal would send it for this case."""
    return env.signer.sign(claims_of(manifest, case, env), token_type=signing.TOKEN_TYPE)


def bad(
    manifest: Manifest, case: Case, env: Environment, base: Mapping[str, Any] | None = None
) -> Iterator[Bad]:
    """Each is wrong in one point only. `base`: the claims of a good token for another endpoint than the card's."""
    claims = dict(base) if base is not None else claims_of(manifest, case, env)
    for title, remedy, change, anywhere in _changes(manifest, int(claims["iat"])):
        changed = {**claims, "jti": uuid.uuid4().hex, **change}
        yield Bad(title, env.signer.sign(changed, token_type=signing.TOKEN_TYPE), remedy, anywhere)
    yield Bad(
        {"ja": "別の種類（typ）のトークンを断る", "en": "Refuses another typ"},
        env.signer.sign({**claims, "jti": uuid.uuid4().hex}, token_type="rgadget-frame+jwt"),  # noqa: S106  (a type)
        {
            "ja": f"ヘッダーの typ が {signing.TOKEN_TYPE} であることを確かめてください。",
            "en": f"Check that the header's `typ` is {signing.TOKEN_TYPE}.",
        },
    )
    yield Bad(
        {"ja": "署名なし（alg: none）を断る", "en": "Refuses alg: none"},
        unsigned({**claims, "jti": uuid.uuid4().hex}, token_type=signing.TOKEN_TYPE),
        {"ja": "alg は ES256 だけを受け入れてください。", "en": "Accept ES256 only."},
    )
    yield Bad(
        {"ja": "知らない鍵を断る", "en": "Refuses an unknown key"},
        foreign({**claims, "jti": uuid.uuid4().hex}, token_type=signing.TOKEN_TYPE, kid=env.signer.kid),
        {
            "ja": "ポータルの /.well-known/jwks.json にある鍵だけを使って確かめてください。",
            "en": "Verify with the keys of the portal's /.well-known/jwks.json only.",
        },
    )


def _changes(manifest: Manifest, now: int) -> Iterator[tuple[Texts, Texts, Mapping[str, Any], bool]]:
    """What is wrong in a token that the portal's own key signed, how to notice it, and whether at any endpoint."""
    yield (
        {"ja": "期限切れを断る", "en": "Refuses an expired token"},
        {"ja": "exp を過ぎたトークンには 401 を返してください。", "en": "Answer 401 after `exp`."},
        {"iat": now - 600, "exp": now - 600 + signing.TOKEN_SECONDS},
        True,
    )
    yield (
        {"ja": "まだ始まっていないトークンを断る", "en": "Refuses a token of the future"},
        {
            "ja": "iat がいまより5秒を超えて先のトークンには 401 を返してください。",
            "en": "Answer 401 when `iat` is more than 5 seconds ahead.",
        },
        {"iat": now + 600, "exp": now + 600 + signing.TOKEN_SECONDS},
        True,
    )
    yield (
        {"ja": "長すぎる期限を断る", "en": "Refuses a token that lives too long"},
        {
            "ja": f"exp − iat が {signing.TOKEN_SECONDS} 秒以内であることを確かめてください。",
            "en": f"Check that `exp - iat` is at most {signing.TOKEN_SECONDS} seconds.",
        },
        {"exp": now + 3600},
        True,
    )
    yield (
        {"ja": "別のポータルのトークンを断る", "en": "Refuses another iss"},
        {
            "ja": "iss が、登録したポータルのアドレスと同じことを確かめてください。",
            "en": "Check that `iss` is the portal that you are registered at.",
        },
        {"iss": "https://portal.example.invalid"},
        True,
    )
    yield (
        {"ja": "別のサービスあてを断る", "en": "Refuses a wrong audience"},
        {
            "ja": f"aud が {manifest.id} であることを確かめてください。",
            "en": f"Check that `aud` is {manifest.id}.",
        },
        {"aud": "example.other.gadget"},
        True,
    )
    yield (
        {"ja": "別のアドレスあてを断る", "en": "Refuses a wrong htu"},
        {
            "ja": "htu が呼ばれたアドレスと同じことを確かめてください。",
            "en": "Check that `htu` is the URL that was called.",
        },
        {"htu": f"{manifest.origin}/somewhere/else"},
        False,
    )
    yield (
        {"ja": "別の方法（htm）のトークンを断る", "en": "Refuses a wrong htm"},
        {
            "ja": "htm が、呼ばれた方法（GET）と同じことを確かめてください。",
            "en": "Check that `htm` is the method that was called (GET).",
        },
        {"htm": "POST"},
        False,
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
