"""Gives each test worker its own Redis numbers and folder, before Django's settings are read.

Loaded by `-p tests.early`; a conftest would come too late, since pytest-django reads the settings first.
"""

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from _pytest.nodeid import NodeId

# Redis numbers: 0 is left alone, 1 to 31 are the workers', 32 and more are the sites' that journeys start.
FIRST_SITE_NUMBER = 32
FOLDER = tempfile.mkdtemp(prefix="madoguchi-test-")


def worker_number() -> int:
    """0 for a run without workers and for the controller, n + 1 for worker gw*n*."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "")
    return int(name.removeprefix("gw")) + 1 if name else 0


def redis_number(url: str, number: int) -> str:
    """The same Redis, another database."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{number}"))


def prepare() -> None:
    """Sets VAR_DIR and REDIS_URL for this worker."""
    os.environ["VAR_DIR"] = FOLDER
    Path(FOLDER, "static").mkdir()  # WhiteNoise warns of a folder that is not there, and warnings are errors
    if os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = redis_number(os.environ["REDIS_URL"], worker_number() + 1)


def pytest_unconfigure() -> None:
    """A worker ends without Python's own clean-up, so this is the place to remove its folder."""
    shutil.rmtree(FOLDER, ignore_errors=True)


prepare()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of one `xdist_group` run in one worker.

    xdist 3.8 marks them by setting `_nodeid`, which pytest 9.2 no longer reads: without this, every worker
    would start every site, on the same ports.
    """
    if not config.getoption("loadgroup", default=False):
        return
    for item in items:
        groups = sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")})
        if groups and "@" not in item.nodeid.rpartition("]")[2]:
            path, _, rest = item.nodeid.partition("::")
            item._id = NodeId(path=path, names=(f"{rest}@{'_'.join(groups)}",))
