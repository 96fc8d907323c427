"""The door to untrusted URLs: what it refuses, what it survives, and that it names the place each time."""

import datetime as dt
import gzip
import ipaddress
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from core.quoting import escaped
from gadgets import errors
from gadgets.outbound.http import Answer, Door, _Gunzip, door
from gadgets.outbound.lookup import NameServers
from identity.addresses import refusal
from tests.gadgets.name_server import NameServer
from tests.gadgets.providers import Handler, Provider, reply

LOCAL = Door(loopback_names=True)
STRICT = Door()


def answering(*addresses: str) -> Door:
    """A door whose name server knows these addresses for every name."""

    def resolve(_host: str, _seconds: float) -> list[str]:
        return list(addresses)

    return Door(resolver=resolve)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider.running(reply(b'{"a":1}', content_type="application/json; charset=utf-8")) as running:
        yield running


def fetch(url: str, *, through: Door = LOCAL, deadline: float = 1.0, max_bytes: int = 1000) -> Answer:
    return through.fetch(url, deadline=deadline, max_bytes=max_bytes, content_types=("application/json",))


def test_an_answer_comes_whole_and_without_cookies(provider: Provider) -> None:
    provider.answer = reply(
        b"{}", content_type="application/json", headers={"Set-Cookie": "a=b", "ETag": '"1"'}
    )
    answer = fetch(f"{provider.origin}/x?y=1")
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, b"{}", '"1"')
    assert "set-cookie" not in answer.headers
    fetch(f"{provider.origin}/again")
    assert [seen.path for seen in provider.seen] == ["/x?y=1", "/again"]
    assert all("cookie" not in seen.headers for seen in provider.seen)
    assert provider.seen[0].headers["host"] == f"waste.localhost:{provider.port}"


def test_the_environment_is_not_used(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine waste.localhost login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert fetch(provider.origin + "/").status == 200
    assert "authorization" not in provider.seen[0].headers


@pytest.mark.parametrize(
    "url",
    [
        "http://waste.example/",
        "ftp://waste.example/",
        "file:///etc/passwd",
        "https://waste.example:8443/",
        "https://waste.example:80/",
        "https://user@waste.example/",
        "https://user:pw@waste.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://waste.example./",
        "https://wästé.example/",
        "https://waste.example\\@evil.example/",
        "https://waste.example/a b",
        "https://waste.example\n/",
        "https:///x",
        "https://a..b/",
        "https://-a.example/",
        "https://waste.example:99999/",
        "https://[::1/",
        "waste.example",
        "",
    ],
)
@pytest.mark.parametrize("through", [LOCAL, STRICT], ids=["loopback names", "strict"])
def test_a_url_of_the_wrong_form_is_refused_before_anything_is_asked(url: str, through: Door) -> None:
    with pytest.raises(errors.UrlRefusedError) as caught:
        fetch(url, through=through)
    assert caught.value.url == escaped(url)
    assert not caught.value.sent
    assert not caught.value.retry
    assert caught.value.provider_message


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_names_are_closed_without_the_setting(provider: Provider, scheme: str) -> None:
    with pytest.raises(errors.UrlRefusedError):
        fetch(f"{scheme}://waste.localhost:{provider.port}/", through=STRICT)
    assert provider.seen == []


@pytest.mark.parametrize("through", [LOCAL, STRICT], ids=["loopback names", "strict"])
def test_a_name_that_really_leads_to_this_machine_is_refused(through: Door) -> None:
    with pytest.raises(errors.AddressRefusedError) as caught:
        fetch("https://localhost/", through=through)
    assert "localhost" in caught.value.provider_message
    assert "127.0.0.1" not in caught.value.provider_message


def test_the_setting_opens_names_under_localhost_and_no_other(provider: Provider) -> None:
    with pytest.raises(errors.UrlRefusedError):
        fetch(f"http://localhost:{provider.port}/")
    with pytest.raises(errors.UrlRefusedError):
        fetch(f"http://127.0.0.1:{provider.port}/")
    with pytest.raises(errors.UrlRefusedError):
        fetch(f"http://evil-localhost:{provider.port}/")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:db8::1",
        "2001:0:1::1",
        "192.0.0.1",
        "192.0.0.9",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.175.48.1",
        "::ffff:192.88.99.1",
        "::8.8.8.8",
        "100::1",
        "100:0:0:1::1",
        "2001:1::1",
        "2001:4:112::1",
        "2620:4f:8000::1",
        "3fff::1",
        "5f00::1",
        "4000::1",
        "nonsense",
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert refusal(address)
    with pytest.raises(errors.AddressRefusedError):
        fetch("https://waste.example/", through=answering(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_not_refused(address: str) -> None:
    assert not refusal(address)


# IANA's registries of special-purpose addresses as of 2026, whole: a block missing from the table fails here.
REGISTERED = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/128", "::1/128", "::ffff:0.0.0.0/104", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23",
    "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10",
    "ff00::/8",
)  # fmt: skip


@pytest.mark.parametrize("block", REGISTERED)
def test_every_registered_block_is_refused_from_its_first_address_to_its_last(block: str) -> None:
    network = ipaddress.ip_network(block)
    assert refusal(str(network[0]))
    assert refusal(str(network[-1]))


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_called(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if not address.is_global:
        assert refusal(str(address))


@given(st.ip_addresses(v=4))
def test_an_address_mapped_into_ipv6_is_judged_as_itself(address: ipaddress.IPv4Address) -> None:
    assert bool(refusal(f"::ffff:{address}")) == bool(refusal(str(address)))


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    mixed = answering("8.8.8.8", "10.0.0.1")
    with pytest.raises(errors.AddressRefusedError):
        fetch("https://waste.example/", through=mixed)


def test_a_name_is_resolved_once_so_rebinding_finds_nothing() -> None:
    answers = [["10.0.0.1"], ["8.8.8.8"]]
    asked: list[str] = []

    def rebinding(host: str, seconds: float) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    with pytest.raises(errors.AddressRefusedError):
        fetch("https://waste.example/", through=Door(resolver=rebinding))
    assert asked == ["waste.example"]


def test_a_name_that_does_not_exist_says_so() -> None:
    with NameServer({}).running() as server, pytest.raises(errors.NameNotFoundError) as caught:
        fetch("https://nobody.example/", through=Door(resolver=NameServers([server.address]).addresses))
    assert "nobody.example" in caught.value.provider_message
    assert caught.value.retry


def test_a_name_without_addresses_says_so() -> None:
    with pytest.raises(errors.NameNotFoundError):
        fetch("https://waste.example/", through=answering())


def test_a_closed_port_says_so(provider: Provider) -> None:
    with pytest.raises(errors.ConnectError) as caught:
        fetch("http://waste.localhost:1/")
    assert not caught.value.sent
    assert "1" in caught.value.provider_message


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(provider: Provider, status: int) -> None:
    provider.answer = reply(b"", status=status, headers={"Location": "http://127.0.0.1/"})
    with pytest.raises(errors.RedirectError) as caught:
        fetch(provider.origin + "/")
    assert str(status) in caught.value.provider_message
    assert len(provider.seen) == 1


@pytest.mark.parametrize("status", [204, 304, 401, 404, 500])
def test_another_status_than_expected_is_named(provider: Provider, status: int) -> None:
    provider.answer = reply(b"", status=status)
    with pytest.raises(errors.StatusError) as caught:
        fetch(provider.origin + "/")
    assert caught.value.status == status
    assert str(status) in caught.value.provider_message


def test_an_expected_status_comes_back_whatever_its_type(provider: Provider) -> None:
    provider.answer = reply(b"no", status=401, content_type="text/plain")
    answer = LOCAL.fetch(
        provider.origin + "/", deadline=1, max_bytes=10, content_types=("a/b",), accept=(200, 401)
    )
    assert (answer.status, answer.body) == (401, b"no")


@pytest.mark.parametrize("content_type", ["text/html", "application/json2", "", "nonsense"])
def test_another_content_type_is_refused(provider: Provider, content_type: str) -> None:
    provider.answer = reply(b"{}", content_type=content_type)
    with pytest.raises(errors.ContentTypeError) as caught:
        fetch(provider.origin + "/")
    assert "application/json" in caught.value.provider_message


def test_a_large_answer_is_cut_off_early(provider: Provider) -> None:
    provider.answer = reply(b"x" * 50_000_000, content_type="application/json")
    started = time.monotonic()
    with pytest.raises(errors.AnswerTooLargeError) as caught:
        fetch(provider.origin + "/")
    assert time.monotonic() - started < 1
    assert "1000" in caught.value.provider_message


def test_the_cap_is_exact(provider: Provider) -> None:
    provider.answer = reply(b"x" * 1000, content_type="application/json")
    assert len(fetch(provider.origin + "/").body) == 1000
    provider.answer = reply(b"x" * 1001, content_type="application/json")
    with pytest.raises(errors.AnswerTooLargeError):
        fetch(provider.origin + "/")


def test_a_packed_answer_is_unpacked(provider: Provider) -> None:
    provider.answer = reply(
        gzip.compress(b"y" * 900), content_type="application/json", headers={"Content-Encoding": "gzip"}
    )
    assert fetch(provider.origin + "/").body == b"y" * 900


@given(
    st.lists(st.binary(max_size=40), min_size=1, max_size=6),
    st.integers(min_value=0, max_value=30),
    st.integers(min_value=1, max_value=50),
)
def test_every_member_of_a_packed_answer_counts(members: list[bytes], zeros: int, step: int) -> None:
    packed = b"".join(gzip.compress(member) for member in members) + bytes(zeros)
    unpacker, found = _Gunzip(), b""
    for start in range(0, len(packed), step):
        found += unpacker.unpack(packed[start : start + step], 10_000)
    assert unpacker.whole
    assert found == b"".join(members)


def test_a_second_member_is_unpacked_and_counted(provider: Provider) -> None:
    body = gzip.compress(b"a" * 600) + gzip.compress(b"b" * 300)
    provider.answer = reply(body, content_type="application/json", headers={"Content-Encoding": "gzip"})
    assert fetch(provider.origin + "/").body == b"a" * 600 + b"b" * 300
    with pytest.raises(errors.AnswerTooLargeError):
        fetch(provider.origin + "/", max_bytes=899)


def test_a_bomb_is_cut_off_while_it_unpacks(provider: Provider) -> None:
    packed = gzip.compress(b"0" * 20_000_000)
    provider.answer = reply(packed, content_type="application/json", headers={"Content-Encoding": "gzip"})
    with pytest.raises(errors.AnswerTooLargeError):
        fetch(provider.origin + "/", max_bytes=len(packed) + 1)


@pytest.mark.parametrize(
    "body",
    [
        b"not gzip at all",
        gzip.compress(b"y" * 900)[:-12],
        gzip.compress(b"y") + b"more",
        gzip.compress(b"y") + gzip.compress(b"z")[:-3],
    ],
    ids=["not gzip", "cut off", "something behind it", "second member cut off"],
)
def test_broken_packing_is_refused(provider: Provider, body: bytes) -> None:
    provider.answer = reply(body, content_type="application/json", headers={"Content-Encoding": "gzip"})
    with pytest.raises(errors.AnswerBrokenError):
        fetch(provider.origin + "/")


def test_an_unknown_packing_is_refused(provider: Provider) -> None:
    provider.answer = reply(b"x", content_type="application/json", headers={"Content-Encoding": "br"})
    with pytest.raises(errors.ContentTypeError):
        fetch(provider.origin + "/")


def _hang(handler: Handler) -> None:
    time.sleep(2)


def _drip_body(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "900")
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def _drip_head(handler: Handler) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 20:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


def _drip_chunks(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(b"1\r\nx\r\n")
        time.sleep(0.05)


@pytest.mark.parametrize("slow", [_hang, _drip_body, _drip_head, _drip_chunks])
def test_the_whole_answer_has_one_deadline(provider: Provider, slow: object) -> None:
    provider.answer = slow  # type: ignore[assignment]
    started = time.monotonic()
    with pytest.raises(errors.DeadlineError) as caught:
        fetch(provider.origin + "/", deadline=0.4)
    assert 0.3 < time.monotonic() - started < 0.9
    assert caught.value.sent


def _endless_head(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(90):
        handler.wfile.write(b"X-%d: " % number + b"a" * 60000 + b"\r\n")


def test_headers_count_towards_the_cap(provider: Provider) -> None:
    provider.answer = _endless_head
    with pytest.raises(errors.AnswerTooLargeError):
        fetch(provider.origin + "/")


def _short(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"{}")
    handler.close_connection = True


def _nonsense(handler: Handler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")
    handler.close_connection = True


def _nothing(handler: Handler) -> None:
    handler.close_connection = True


@pytest.mark.parametrize("broken", [_short, _nonsense, _nothing])
def test_a_broken_answer_says_so(provider: Provider, broken: object) -> None:
    provider.answer = broken  # type: ignore[assignment]
    with pytest.raises(errors.AnswerBrokenError) as caught:
        fetch(provider.origin + "/")
    assert provider.origin in caught.value.provider_message


def test_a_server_that_closes_without_saying_so_breaks_no_later_request(provider: Provider) -> None:
    def closing(handler: Handler) -> None:
        reply(b"{}", content_type="application/json")(handler)
        handler.close_connection = True

    provider.answer = closing
    for _ in range(5):
        assert fetch(provider.origin + "/").body == b"{}"
    assert all(seen.headers["connection"] == "close" for seen in provider.seen)


def test_chunks_are_joined(provider: Provider) -> None:
    def chunks(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    provider.answer = chunks
    assert fetch(provider.origin + "/").body == b"abcde"


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, str]:
    """A server's context with a certificate for `name`, and the file that makes it trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context, str(certificate)


def test_tls_verifies_the_name_at_the_checked_address(tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path, "waste.localhost")
    with Provider.running(reply(b"{}", content_type="application/json"), tls=context) as provider:
        through = Door(loopback_names=True, ca_file=trusted)
        assert fetch(provider.origin + "/", through=through).body == b"{}"
        with pytest.raises(errors.TlsError):
            fetch(f"https://other.localhost:{provider.port}/", through=through)
        with pytest.raises(errors.TlsError) as caught:
            fetch(provider.origin + "/", through=LOCAL)
    assert not caught.value.sent
    assert len(provider.seen) == 1


def test_the_door_of_the_site_follows_its_setting(settings: object, provider: Provider) -> None:
    settings.LOOPBACK_NAMES = True  # type: ignore[attr-defined]
    assert fetch(provider.origin + "/", through=door()).status == 200
    settings.LOOPBACK_NAMES = False  # type: ignore[attr-defined]
    with pytest.raises(errors.UrlRefusedError):
        fetch(provider.origin + "/", through=door())
