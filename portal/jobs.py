"""The jobs of all packages, by name, and how one runs."""

from functools import cache

from django.db import close_old_connections

import core.sweeps
import gadgets.tasks
import identity.tasks
import portal.content.tasks
import portal.figures.tasks
import portal.home.tasks
import portal.mydata.account.erasing
import recommender.tasks
from core.jobs import Job

TABLES = (
    core.sweeps.JOBS,
    identity.tasks.JOBS,
    gadgets.tasks.JOBS,
    portal.content.tasks.JOBS,
    portal.home.tasks.JOBS,
    portal.mydata.account.erasing.JOBS,
    portal.figures.tasks.JOBS,
    recommender.tasks.JOBS,
)


@cache
def jobs() -> dict[str, Job]:
    return {job.name: job for table in TABLES for job in table}


def run(name: str) -> None:
    """Runs one job here and now; a fault is logged by its class, listed for operators, and the next sweep tries again."""
    close_old_connections()
    try:
        core.sweeps.whole(name, jobs()[name].run)
    finally:
        close_old_connections()
