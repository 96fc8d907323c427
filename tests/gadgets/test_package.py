"""A gadget's package: what was signed is what is taken over; anything else is refused and says why."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
import rfc8785
from joserfc import jws
from joserfc.jwk import ECKey

from gadgets.errors import ManifestError, PackageError
from gadgets.protocol import package
from gadgets.protocol.conformance_lines import fix, passed
from gadgets.types import content_hash
from tests.gadgets.samples import URL, raw

KEY = ECKey.generate_key("P-256")
MADE = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)
REPORT = (
    passed(1, {"ja": "書き方", "en": "Schema"}, {"ja": "正しい", "en": "Valid"}),
    fix(8, {"ja": "速さ", "en": "Speed"}, {"ja": "遅い", "en": "Slow"}, {"ja": "速く", "en": "Faster"}),
)


def keys(*which: ECKey) -> dict[str, Any]:
    return {
        "keys": [
            {**key.as_dict(private=False), "kid": key.thumbprint(), "alg": "ES256", "use": "sig"}
            for key in which
        ]
    }


def built(**changes: Any) -> dict[str, Any]:
    document = package.build(
        raw=raw(), url=URL, report=REPORT, made=MADE, region="372013", portal="https://portal.example"
    )
    return {**document, **changes}


def payload(file: bytes) -> bytes:
    part = file.split(b".")[1]
    return urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def refused(file: bytes, key_set: dict[str, Any] | None = None) -> PackageError:
    with pytest.raises(PackageError) as caught:
        package.verify(file, keys(KEY) if key_set is None else key_set)
    return caught.value


def test_what_was_signed_comes_out_byte_for_byte() -> None:
    found = package.verify(package.sign(built(), KEY), keys(KEY))
    assert found.raw == raw()
    assert (found.region, found.portal, found.made, found.url) == (
        "372013",
        "https://portal.example",
        MADE,
        URL,
    )
    assert found.manifest.id == "example.waste.calendar"
    assert [(line.number, line.ok) for line in found.report] == [(1, True), (8, False)]


def test_the_payload_is_canonical_so_the_order_of_names_says_nothing() -> None:
    document = built()
    turned = dict(reversed(document.items()))
    assert payload(package.sign(document, KEY)) == payload(package.sign(turned, KEY))


def test_the_signer_can_be_read_before_anything_is_believed() -> None:
    assert package.signer(package.sign(built(), KEY)) == ("372013", "https://portal.example")


def test_white_space_around_the_file_does_not_matter() -> None:
    assert package.verify(b"\n" + package.sign(built(), KEY) + b"\r\n", keys(KEY)).url == URL


def test_a_manifest_that_does_not_hold_is_not_packed() -> None:
    with pytest.raises(ManifestError):
        package.build(raw=raw(kind="card", endpoints={}), url=URL, report=(), made=MADE)


@pytest.mark.parametrize(
    "file",
    [b"", b"not a package", b"{}", b"a.b.c", b"e30.e30.e30", "ごみ".encode(), b"A" * (600 * 1024)],
    ids=["empty", "words", "json", "three", "no-header", "japanese", "large"],
)
def test_what_is_no_package_is_told_so(file: bytes) -> None:
    assert ".rgadget" in refused(file).in_words("ja")
    with pytest.raises(PackageError):
        package.signer(file)


def test_another_key_is_refused() -> None:
    error = refused(package.sign(built(), ECKey.generate_key("P-256")))
    assert "署名" in error.message
    assert "keys have changed" in error.in_words("en")


def test_a_changed_letter_is_refused() -> None:
    head, body, signature = package.sign(built(), KEY).split(b".")
    document = json.loads(payload(b".".join((head, body, signature))))
    document["gadget"]["url"] = "https://evil.example/gadget.json"
    forged = urlsafe_b64encode(rfc8785.dumps(document)).rstrip(b"=")
    assert "署名" in refused(b".".join((head, forged, signature))).message


def test_without_a_signature_it_is_refused() -> None:
    head = urlsafe_b64encode(json.dumps({"alg": "none", "typ": package.TYPE}).encode()).rstrip(b"=")
    body = urlsafe_b64encode(rfc8785.dumps(built())).rstrip(b"=")
    assert refused(head + b"." + body + b".AA").code == "package"


def test_a_key_that_is_shared_and_not_public_is_refused() -> None:
    """A public key must not serve as the secret of an HMAC."""

    def part(value: bytes) -> bytes:
        return urlsafe_b64encode(value).rstrip(b"=")

    header = {"alg": "HS256", "typ": package.TYPE, "kid": KEY.thumbprint()}
    signed = part(json.dumps(header).encode()) + b"." + part(rfc8785.dumps(built()))
    forged = signed + b"." + part(hmac.digest(KEY.as_pem(private=False), signed, "sha256"))
    assert "署名" in refused(forged).message


def test_a_token_of_another_type_is_no_package() -> None:
    header = {"alg": "ES256", "typ": "rgadget+jwt", "kid": KEY.thumbprint()}
    other = jws.serialize_compact(header, rfc8785.dumps(built()), KEY, algorithms=["ES256"])
    assert "読めません" in refused(other.encode()).message


def test_a_hash_that_is_not_the_manifests_is_refused() -> None:
    document = built()
    document["gadget"]["sha256"] = content_hash(b"another")
    assert refused(package.sign(document, KEY)).path == "$.gadget.sha256"


@pytest.mark.parametrize("field", ["id", "version"])
def test_a_name_that_is_not_the_manifests_is_refused(field: str) -> None:
    document = built()
    document["gadget"][field] = "9.9.9"
    assert refused(package.sign(document, KEY)).path == "$.gadget.id"


def test_a_manifest_of_another_host_is_refused() -> None:
    document = built()
    document["gadget"]["url"] = "https://evil.example/gadget.json"
    assert refused(package.sign(document, KEY)).path in {"$.id", "$.endpoints.card"}


def test_an_unknown_field_names_its_place() -> None:
    error = refused(package.sign(built(extra=1), KEY))
    assert "extra" in error.in_words("ja")


def test_another_form_of_the_same_json_is_refused() -> None:
    header = {"alg": "ES256", "typ": package.TYPE, "kid": KEY.thumbprint()}
    loose = jws.serialize_compact(
        header, json.dumps(built(), ensure_ascii=False, indent=1).encode(), KEY, algorithms=["ES256"]
    )
    assert "RFC 8785" in refused(loose.encode()).message


def test_no_keys_open_nothing() -> None:
    assert "署名" in refused(package.sign(built(), KEY), {"keys": []}).message
    assert "署名" in refused(package.sign(built(), KEY), {"keys": [{"kty": "nonsense"}]}).message
