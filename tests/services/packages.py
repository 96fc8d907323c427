"""Brings the Debian packages that the tests run against, and says how to get one that cannot be had."""

import functools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.services.commands import ServiceError, find, run, say


@dataclass(frozen=True)
class Part:
    """A program of Debian: found by `programs` or `files` (globs), brought by `package`."""

    name: str
    package: str
    programs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def here(self) -> bool:
        """True when nothing needs to be installed."""
        return all(find(program) for program in self.programs) and all(
            any(Path("/").glob(pattern.lstrip("/"))) for pattern in self.files
        )


POSTGRES = Part("PostgreSQL", "postgresql", files=("/usr/lib/postgresql/*/bin/postgres",))
REDIS = Part("Redis", "redis-server", programs=("redis-server",))
NGINX = Part("nginx", "nginx-light", programs=("nginx",))
JAVA = Part("a Java runtime", "openjdk-17-jre-headless", programs=("java",))
GETTEXT = Part("GNU gettext", "gettext", programs=("msgfmt", "xgettext"))
MAVEN = Part("Maven", "maven", programs=("mvn",))
NODE = Part("Node.js", "nodejs", programs=("node",))
NPM = Part("npm", "npm", programs=("npm",))
CHROMIUM = Part("Chromium", "chromium", programs=("chromium",))
JAPANESE_FONT = Part(
    "a Japanese font", "fonts-noto-cjk", files=("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",)
)


def ensure(*parts: Part) -> None:
    """Installs what is missing with apt-get; `ServiceError` names the part and the command when it cannot."""
    missing = [part for part in parts if not part.here()]
    if not missing:
        return
    say("installing " + ", ".join(f"{part.name} ({part.package})" for part in missing))
    packages = [part.package for part in missing]
    by_hand = "sudo apt-get update && sudo apt-get install " + " ".join(packages)
    names = ", ".join(part.name for part in missing)
    if shutil.which("apt-get") is None:
        raise ServiceError(f"{names}: missing, and there is no apt-get here. On Debian: {by_hand}")
    try:
        _update()
        run(
            [*_as_root(), "apt-get", "install", "-y", "--no-install-recommends", *packages],
            what="apt-get install " + " ".join(packages),
            env=_QUIET,
        )
    except ServiceError as error:
        raise ServiceError(f"{names}: could not be installed. By hand: {by_hand}\n{error}") from error
    still = [part for part in missing if not part.here()]
    if still:
        raise ServiceError(
            f"{', '.join(part.name for part in still)}: apt-get said it was installed, but it is not found."
        )


_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def _as_root() -> tuple[str, ...]:
    if os.geteuid() == 0:
        return ()
    if shutil.which("sudo") is None:
        raise ServiceError("installing needs root, and there is no sudo")
    return ("sudo", "--non-interactive")


@functools.cache
def _update() -> None:
    run([*_as_root(), "apt-get", "update"], what="apt-get update", env=_QUIET)
