"""nginx with the city's file, really running: what it keeps for guests, and what it never keeps."""

import datetime
import http.client
import ipaddress
import re
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.supervise import Launcher, wait_until
from tests.services import packages
from tests.services.commands import find, run
from tests.services.ports import free_ports, is_free

CONF = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "portal.conf"
STATIC = CONF.parents[2] / "portal" / "static"
ID, PORTAL = "id.example", "portal.example"
pytestmark = pytest.mark.xdist_group("nginx")


@dataclass
class Upstream:
    """Stands for the portal's processes: answers with a number that grows, so that a kept answer shows."""

    name: str
    seen: list[str] = field(default_factory=list)
    cookie: str = ""
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                upstream.seen.append(self.path)
                if self.path.endswith("/breaks-off/"):
                    self.close_connection = True
                    return
                body = f"{upstream.name} {len(upstream.seen)} {self.headers['Host']}".encode()
                body += b" " * 2000 if self.path.endswith("/long/") else b""
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type", "text/html")
                self.send_header("Vary", "Cookie, Accept-Language")
                if upstream.cookie:
                    self.send_header("Set-Cookie", upstream.cookie)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing: the test reads `seen`."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"


@dataclass
class City:
    """nginx and the three programs behind it."""

    port: int
    tls: ssl.SSLContext
    portal: Upstream
    fragments: Upstream
    keycloak: Upstream
    logs: Path

    def get(
        self,
        path: str,
        *,
        host: str = PORTAL,
        cookie: str = "",
        encoding: str = "identity",
        body: bytes | None = None,
    ) -> tuple[int, str, http.client.HTTPMessage]:
        line = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=self.tls)
        try:
            headers = {"Host": host, "Accept-Encoding": encoding} | ({"Cookie": cookie} if cookie else {})
            line.request("GET" if body is None else "POST", path, body=body, headers=headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode(errors="replace"), answer.headers
        finally:
            line.close()


def certificate(folder: Path) -> None:
    """A certificate that this test alone trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, PORTAL)])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(PORTAL), x509.DNSName(ID), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    packages.ensure(packages.NGINX)
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "static").symlink_to(STATIC)
    for name in ("tls", "alerts", "spool", "logs"):
        (folder / name).mkdir()
    folder.chmod(0o755)
    certificate(folder / "tls")
    (folder / "alerts" / "alerts.json").write_text('{"alerts": []}')
    (folder / "alerts" / "alerts.html").write_text("<title>警報</title>")
    portal, fragments, keycloak = Upstream("portal"), Upstream("fragments"), Upstream("keycloak")
    https = free_ports(2)
    values = {
        "PORTAL_HOST": PORTAL,
        "ID_HOST": ID,
        "HTTP_PORT": f"127.0.0.1:{https + 1}",
        "HTTPS_PORT": f"127.0.0.1:{https}",
        "PORTAL_UPSTREAM": portal.address,
        "FRAGMENTS_UPSTREAM": fragments.address,
        "KEYCLOAK_UPSTREAM": keycloak.address,
        "TLS_DIR": str(folder / "tls"),
        "CACHE_DIR": str(folder / "cache"),
        "ALERTS_DIR": str(folder / "alerts"),
        "STATIC_DIR": str(folder / "static"),
        "LOG_DIR": str(folder / "logs"),
        "NAMES": "NAMES",
    }
    site = re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], CONF.read_text())
    (folder / "site.conf").write_text(site)
    temporary = "".join(
        f"{kind}_temp_path {folder}/spool/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;\n"
        f"user {'root' if folder.owner() == 'root' else folder.owner()};\n"
        f"events {{ worker_connections 128; }}\n"
        f"http {{ access_log off; types {{ text/html html; }}\n{temporary}include {folder}/site.conf; }}\n"
    )
    command = [find("nginx") or "nginx", "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"]
    run([*command, "-t"], what="nginx -t")
    launcher = Launcher(folder)
    try:
        running = launcher.start("nginx", command)
        wait_until(running, lambda: not is_free(https), 10)
        tls = ssl.create_default_context(cafile=str(folder / "tls" / "cert.pem"))
        yield City(https, tls, portal, fragments, keycloak, folder / "logs")
    finally:
        launcher.stop_all()
        for upstream in (portal, fragments, keycloak):
            upstream.server.shutdown()
            upstream.server.server_close()


def test_guests_share_a_page_for_a_moment(city: City) -> None:
    first = city.get("/shared/")
    again = city.get("/shared/")
    assert (first[2]["X-Guest-Cache"], again[2]["X-Guest-Cache"]) == ("MISS", "HIT")
    assert first[1] == again[1]
    assert city.portal.seen.count("/shared/") == 1


def test_each_language_and_each_choice_has_a_page_of_its_own(city: City) -> None:
    pages = [
        city.get("/own/"),
        city.get("/en/own/"),
        city.get("/own/", cookie="guest=1.busshozan.childcare,music"),
        city.get("/own/", cookie="guest=1.yashima.elderly"),
        city.get("/own/?page=2"),
    ]
    assert [page[2]["X-Guest-Cache"] for page in pages] == ["MISS"] * 5
    assert len({page[1] for page in pages}) == 5
    again = city.get("/own/", cookie="other=x; guest=1.yashima.elderly")
    assert again[1] == pages[3][1], "another cookie changes nothing"


@pytest.mark.parametrize(
    "cookie",
    ["session=abc", "__Host-session=abc", "guest=1.yashima.; session=abc", "csrf=abc", "__Host-csrf=abc"],
)
def test_a_person_never_gets_and_never_leaves_a_kept_page(city: City, cookie: str) -> None:
    path = f"/person/{cookie.encode().hex()}/"
    guest = city.get(path)
    mine = city.get(path, cookie=cookie)
    assert mine[2]["X-Guest-Cache"] == "BYPASS"
    assert mine[1] != guest[1]
    assert city.get(path)[1] == guest[1], "the guest's page is still the guest's"


@pytest.mark.parametrize("choices", ["2.x.y", "1.<script>.x", "1." + "a" * 400 + ".x", "nonsense"])
def test_choices_that_the_portal_never_wrote_are_not_kept(city: City, choices: str) -> None:
    path = f"/strange/{len(choices)}{ord(choices[0])}/"
    first = city.get(path, cookie=f"guest={choices}")
    again = city.get(path, cookie=f"guest={choices}")
    assert first[2]["X-Guest-Cache"] == again[2]["X-Guest-Cache"] == "BYPASS"
    assert first[1] != again[1]
    assert city.get(path)[2]["X-Guest-Cache"] == "MISS"


def test_an_answer_with_a_cookie_is_not_kept(city: City) -> None:
    city.portal.cookie = "csrf=secret; Path=/"
    try:
        assert city.get("/with-cookie/")[2]["X-Guest-Cache"] == "MISS"
        assert city.get("/with-cookie/")[2]["X-Guest-Cache"] == "MISS"
    finally:
        city.portal.cookie = ""


def test_cards_are_drawn_by_a_pool_of_their_own_and_never_kept(city: City) -> None:
    first, again = city.get("/fragments/card/x"), city.get("/fragments/card/x")
    assert first[1].startswith("fragments ")
    assert first[1] != again[1]


def test_alerts_are_files(city: City) -> None:
    before = len(city.portal.seen)
    status, body, headers = city.get("/alerts.json")
    assert (status, body) == (200, '{"alerts": []}')
    assert headers["Content-Type"].startswith("application/json")
    status, body, headers = city.get("/alerts.html")
    assert (status, body) == (200, "<title>警報</title>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert len(city.portal.seen) == before


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [(PORTAL, "/long/", True), (PORTAL, "/api/claims/long/", False), (ID, "/realms/region/long/", False)],
)
def test_pages_are_packed_but_nothing_of_the_id_and_no_interface(
    city: City, host: str, path: str, expected: bool
) -> None:
    status, _, headers = city.get(path, host=host, encoding="gzip")
    assert (status, headers["Content-Encoding"] == "gzip") == (200, expected)


@pytest.mark.parametrize(
    ("host", "path", "status", "title"),
    [
        (PORTAL, "/breaks-off/", 502, "ただいま表示できません"),
        (PORTAL, "/en/breaks-off/", 502, "ただいま表示できません"),
        (ID, "/realms/region/breaks-off/", 502, "ただいま表示できません"),
        (PORTAL, "/sign-in/", 429, "少し待ってください"),
        (ID, "/realms/region/login-actions/authenticate", 429, "少し待ってください"),
        (PORTAL, "/me/attributes/", 413, "送られた内容が大きすぎます"),
    ],
)
def test_what_nginx_refuses_is_a_page_in_three_languages(
    city: City, host: str, path: str, status: int, title: str
) -> None:
    body = b"x" * 1_100_000 if status == 413 else None
    for _ in range(100):
        found, html, headers = city.get(path, host=host, body=body)
        if found == status:
            break
    assert (found, headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{title}</h1>" in html
    assert "やさしい日本語" in html
    assert 'lang="en"' in html
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    for link in re.findall(r'href="([^"]+)"', html):
        assert city.get(link, host=host)[0] in {200, 302}


def test_those_pages_have_no_address_of_their_own(city: City) -> None:
    assert city.get("/problems/413.html")[0] == 404


def test_health_is_not_for_the_world(city: City) -> None:
    before = len(city.portal.seen)
    assert city.get("/health/ready")[0] in {403, 404}
    assert len(city.portal.seen) == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/realms/region/protocol/openid-connect/auth?client_id=portal", 200),
        ("/realms/region/protocol/openid-connect/token/introspect", 403),
        ("/realms/region/clients-registrations/openid-connect", 403),
        ("/realms/master/protocol/openid-connect/auth", 404),
        ("/admin/master/console/", 404),
        ("/metrics", 404),
    ],
)
def test_the_id_shows_the_world_only_what_residents_need(city: City, path: str, status: int) -> None:
    before = len(city.keycloak.seen)
    got = city.get(path, host=ID)
    assert got[0] == status
    assert len(city.keycloak.seen) - before == (1 if status == 200 else 0)


def test_the_portal_sees_its_public_name(city: City) -> None:
    assert city.get("/name/")[1].endswith(PORTAL)


def test_the_log_holds_no_address_no_query_and_no_reference(city: City) -> None:
    city.get("/sign-in/callback?code=a-secret-code&state=x", cookie="session=a-secret-session")
    city.get("/erased/a-secret-reference")
    city.get("/en/erased/a-secret-reference")
    city.get("/for-you/open/a-secret-seal/a-secret-item/")
    city.get("/en/for-you/open/a-secret-seal/a-secret-item/")
    wait_until_logged = time.monotonic() + 5
    while time.monotonic() < wait_until_logged:
        told = "".join(path.read_text() for path in city.logs.glob("*.log"))
        if told.count("/erased/...") == told.count("/for-you/open/...") == 2:
            break
        time.sleep(0.05)
    assert f" {PORTAL} GET /sign-in/callback 200 " in told
    assert told.count("/erased/...") == told.count("/for-you/open/...") == 2
    assert "secret" not in told
    assert "127.0.0.1" not in told
