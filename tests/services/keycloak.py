"""Brings Keycloak, prepares a home with the region's realm once, and starts a copy of it for each run."""

import fcntl
import hashlib
import http.client
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.supervise import Launcher, Running, wait_until
from tests.services import neighbour, packages, realm
from tests.services.commands import ServiceError, find, run, say
from tests.services.ports import free_ports

VERSION = "26.7.0"
ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "keycloak"
REALM_FILE = DEPLOY / "realm.json"
NEIGHBOUR_FILE = DEPLOY / "neighbour-realm.json"
BLACKLISTS = DEPLOY / "password-blacklists"
BUILD_OPTIONS = ("--db=dev-file", "--health-enabled=true", "--metrics-enabled=false")
RECIPE = "2"  # raise it when the way a home is prepared changes
# C1 only and one collector thread: half the CPU of the defaults for a server that lives for minutes.
JVM = (
    "-Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:MaxMetaspaceSize=256m "
    "-Dfile.encoding=UTF-8 -Djava.net.preferIPv4Stack=true"
)
HOSTS = ("localhost", "portal.region.localhost", "id.region.localhost", "waste.localhost", "lunch.localhost",
         "river.localhost", "fourth.localhost")  # fmt: skip
START_SECONDS = 180.0


def cache_folder() -> Path:
    """Where the unpacked distribution and the prepared homes stay between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "madoguchi"


def start(launcher: Launcher, *, portal_port: int, mail_port: int) -> dict[str, str]:
    """Starts Keycloak with both realms, fresh secrets and the cast; returns what the portal needs to know.

    Its mails go to 127.0.0.1 at `mail_port`.
    """
    packages.ensure(packages.JAVA)
    home = _prepared()
    mine = _copy(home, launcher.folder / "keycloak")
    port, management = free_ports(), free_ports()
    public = f"http://id.region.localhost:{port}"
    running = _serve(launcher, mine, port=port, management=management, hostname=public)
    wait_until(running, lambda: _ready(management), START_SECONDS)
    bootstrap = json.loads((home / "bootstrap.json").read_text())
    back = f"http://127.0.0.1:{port}"
    portal = f"http://portal.region.localhost:{portal_port}"
    made = realm.arrange(
        back, client_id=bootstrap["id"], client_secret=bootstrap["secret"], portal_url=portal
    )
    made |= neighbour.arrange(back, public, client_id=bootstrap["id"], client_secret=bootstrap["secret"])
    neighbour.mail_server(back, client_id=bootstrap["id"], client_secret=bootstrap["secret"], port=mail_port)
    return {
        "KEYCLOAK_URL": back,
        "KEYCLOAK_PUBLIC_URL": public,
        "KEYCLOAK_REALM": realm.NAME,
        "KEYCLOAK_ISSUER": f"{public}/realms/{realm.NAME}",
        "KEYCLOAK_DISCOVERY_URL": f"{back}/realms/{realm.NAME}/.well-known/openid-configuration",
        "KEYCLOAK_PORTAL_URL": portal,
        "KEYCLOAK_HEALTH_URL": f"http://127.0.0.1:{management}/health/ready",
        **made,
    }


# --- the distribution ----------------------------------------------------------------------------------------


@contextmanager
def _alone(folder: Path, what: str) -> Iterator[None]:
    """Only one process at a time prepares `what`; the others wait and find it done."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _distribution() -> Path:
    """A built server: KEYCLOAK_HOME when a person names one, else the one that Maven brings."""
    given = os.environ.get("KEYCLOAK_HOME")
    if given:
        source = Path(given)
        if not (source / "bin" / "kc.sh").is_file():
            raise ServiceError(f"Keycloak: KEYCLOAK_HOME={given} holds no bin/kc.sh.")
        said = (source / "version.txt").read_text() if (source / "version.txt").is_file() else "unknown"
        if VERSION not in said:
            raise ServiceError(f"Keycloak: KEYCLOAK_HOME={given} is {said.strip()!r}, not {VERSION}.")
    target = cache_folder() / f"keycloak-{VERSION}-{_hash(*BUILD_OPTIONS, given or '')}"
    if (target / "built").is_file():
        return target
    with _alone(cache_folder(), "keycloak"):
        if (target / "built").is_file():
            return target
        part = _beside(target, "part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)
        if given:
            shutil.copytree(given, part)
        else:
            _unpack(_archive(), part)
        say(f"building Keycloak {VERSION} (once for this machine)")
        run(
            [part / "bin" / "kc.sh", "build", *BUILD_OPTIONS], what="Keycloak's build", env={"JAVA_OPTS": JVM}
        )
        (part / "built").write_text(VERSION)
        part.rename(target)
    return target


def archive_path() -> Path:
    """Where Maven keeps the distribution once it is fetched."""
    return (
        Path.home()
        / ".m2/repository/org/keycloak/keycloak-quarkus-dist"
        / VERSION
        / f"keycloak-quarkus-dist-{VERSION}.zip"
    )


def _archive() -> Path:
    stored = archive_path()
    if not stored.is_file():
        packages.ensure(packages.MAVEN)
        say(f"fetching Keycloak {VERSION} with Maven (176 MB, once for this machine)")
        try:
            run(
                [
                    find("mvn") or "mvn",
                    "-q",
                    "-B",
                    "dependency:get",
                    f"-Dartifact={ARTIFACT}",
                    "-Dtransitive=false",
                ],
                what="mvn dependency:get",
            )
        except ServiceError as error:
            raise ServiceError(
                f"Keycloak {VERSION}: could not be fetched. By hand: mvn dependency:get -Dartifact={ARTIFACT}, "
                f"or unpack it somewhere and set KEYCLOAK_HOME.\n{error}"
            ) from error
    if not stored.is_file():
        raise ServiceError(f"Keycloak {VERSION}: Maven reported success, but {stored} is not there.")
    return stored


def _unpack(archive: Path, target: Path) -> None:
    beside = _beside(target, "unpacked")
    shutil.rmtree(beside, ignore_errors=True)
    with zipfile.ZipFile(archive) as bundle:
        bundle.extractall(beside)
    (beside / f"keycloak-{VERSION}").rename(target)
    shutil.rmtree(beside)
    (target / "bin" / "kc.sh").chmod(0o755)


# --- a home with the realm in it -----------------------------------------------------------------------------


def _prepared() -> Path:
    """A folder whose `data` holds the imported realm: schema and import cost 15 CPU-seconds, so only once."""
    distribution = _distribution()
    wanted = _hash(
        RECIPE,
        distribution.name,
        REALM_FILE.read_bytes(),
        NEIGHBOUR_FILE.read_bytes(),
        *(path.read_bytes() for path in sorted(BLACKLISTS.iterdir())),
    )
    home = cache_folder() / f"keycloak-realm-{VERSION}-{wanted}"
    if (home / "bootstrap.json").is_file():
        return home
    with _alone(cache_folder(), "keycloak-realm"):
        if (home / "bootstrap.json").is_file():
            return home
        say("importing the realms of deploy/keycloak into Keycloak (once for each change of it)")
        part = _beside(home, "part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
        part.mkdir(parents=True)
        _link(distribution, part)
        (part / "data" / "import").mkdir(parents=True)
        shutil.copy(REALM_FILE, part / "data" / "import" / "region-realm.json")
        shutil.copy(NEIGHBOUR_FILE, part / "data" / "import" / "neighbour-realm.json")
        shutil.copytree(BLACKLISTS, part / "data" / "password-blacklists")
        client = {"id": "bootstrap", "secret": secrets.token_urlsafe(32)}
        launcher = Launcher(part)
        try:
            management = free_ports()
            running = _serve(
                launcher, part, port=free_ports(), management=management,
                hostname="http://id.region.localhost", more=("--import-realm",),
                env={"KC_BOOTSTRAP_ADMIN_CLIENT_ID": client["id"],
                     "KC_BOOTSTRAP_ADMIN_CLIENT_SECRET": client["secret"],
                     # The file names these; every start sets its own in the copy (realm.arrange).
                     "PORTAL_URL": "http://portal.region.localhost",
                     "OIDC_CLIENT_SECRET": secrets.token_urlsafe(32),
                     "KEYCLOAK_ADMIN_CLIENT_SECRET": secrets.token_urlsafe(32),
                     "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": "25", "EMAIL_STARTTLS": "false",
                     "EMAIL_AUTH": "false", "EMAIL_HOST_USER": "", "EMAIL_HOST_PASSWORD": "",
                     "DEFAULT_FROM_EMAIL": "no-reply@id.region.localhost",
                     "NEIGHBOUR_ENABLED": "false", "NEIGHBOUR_ISSUER": "http://id.region.localhost/realms/neighbour",
                     "NEIGHBOUR_CLIENT_ID": "region", "NEIGHBOUR_CLIENT_SECRET": secrets.token_urlsafe(32),
                     "REGION_ISSUER": "http://id.region.localhost/realms/region"},
            )  # fmt: skip
            wait_until(running, lambda: _ready(management), START_SECONDS)
        finally:
            launcher.stop_all()
        shutil.rmtree(part / "data" / "import")
        marker = part / "bootstrap.json"
        marker.touch(mode=0o600)
        marker.write_text(json.dumps(client))
        part.rename(home)
    return home


def _link(distribution: Path, home: Path) -> None:
    """The big read-only folders by link; kc.sh as a copy, since it finds its home by its own real path."""
    (home / "bin").mkdir()
    shutil.copy(distribution / "bin" / "kc.sh", home / "bin" / "kc.sh")
    for name in ("lib", "providers", "conf"):
        (home / name).symlink_to(distribution / name)
    # Keycloak's own themes are in its jars; this folder holds ours only.
    (home / "themes").symlink_to(DEPLOY / "themes")


def _copy(prepared: Path, target: Path) -> Path:
    shutil.copytree(
        prepared,
        target,
        symlinks=True,
        ignore=shutil.ignore_patterns("bootstrap.json", "*.log", "tmp", "themes"),
    )
    # The home may have been prepared from another checkout; the theme is read as it is in this one.
    (target / "themes").symlink_to(DEPLOY / "themes")
    return target


# --- a running server ----------------------------------------------------------------------------------------


def _serve(
    launcher: Launcher,
    home: Path,
    *,
    port: int,
    management: int,
    hostname: str,
    more: tuple[str, ...] = (),
    env: dict[str, str] | None = None,
) -> Running:
    hosts = home / "hosts"
    names = (*HOSTS, os.uname().nodename)
    hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in names))
    return launcher.start(
        "keycloak",
        [
            home / "bin" / "kc.sh", "start", "--optimized", "--cache=local", "--http-enabled=true",
            "--http-host=127.0.0.1", f"--http-port={port}", f"--hostname={hostname}",
            "--hostname-backchannel-dynamic=true", "--http-management-host=127.0.0.1",
            f"--http-management-port={management}", "--log-level=info,io.smallrye.health:error", *more,
        ],
        # Java's resolver knows no *.localhost either: back-channel logout would not find the portal.
        env={"JAVA_OPTS": f"{JVM} -Djdk.net.hosts.file={hosts}", **(env or {})},
        cwd=home,
    )  # fmt: skip


def _ready(management: int) -> bool:
    line = http.client.HTTPConnection("127.0.0.1", management, timeout=5)
    try:
        line.request("GET", "/health/ready")
        return line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def _beside(folder: Path, what: str) -> Path:
    """A name for what is not finished yet; it is renamed when it is."""
    return folder.with_name(f"{folder.name}.{what}")


def _hash(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return digest.hexdigest()[:12]
