"""The Nu HTML checker, which says what a page has that HTML does not know."""

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

from tests.services import packages
from tests.services.commands import run

VERSION = "26.9.27"
PACKAGE = f"vnu-jar@{VERSION}"


def errors(folder: Path, kept: Path) -> list[dict[str, Any]]:
    """What is wrong with the pages (`*.html`) of a folder; the checker is fetched once, into `kept`."""
    packages.ensure(packages.JAVA)
    said = run(
        [
            "java",
            "-jar",
            _jar(kept),
            "--format",
            "json",
            "--errors-only",
            "--exit-zero-always",
            "--stdout",
            folder,
        ],
        what="the Nu HTML checker",
    )
    return list(json.loads(said)["messages"])


def _jar(kept: Path) -> Path:
    jar = kept / f"vnu-{VERSION}.jar"
    if not jar.exists():
        packages.ensure(packages.NPM)
        kept.mkdir(parents=True, exist_ok=True)
        part = kept / f"vnu-{VERSION}.part"
        run(["npm", "pack", PACKAGE, "--pack-destination", kept], what=f"npm pack {PACKAGE}")
        with (
            tarfile.open(kept / f"vnu-jar-{VERSION}.tgz") as packed,
            packed.extractfile("package/build/dist/vnu.jar") as found,  # type: ignore[union-attr]
            part.open("wb") as made,
        ):
            shutil.copyfileobj(found, made)
        part.rename(jar)
    return jar
