"""Beat sweeps every job on a queue that the workers serve, and leaves no backlog behind."""

import re
from pathlib import Path

from portal.celery import app
from portal.jobs import jobs

COMPOSE = Path(__file__).resolve().parents[2] / "deploy" / "compose.yaml"


def test_every_job_is_swept_on_a_served_queue_and_a_late_sweep_is_void() -> None:
    app.finalize()
    told = re.search(r'"--queues", "([a-z,]+)"', COMPOSE.read_text())
    assert told is not None
    entries = {name: entry["options"] for name, entry in app.conf.beat_schedule.items()}
    assert set(entries) >= set(jobs())
    for name, job in jobs().items():
        assert entries[name]["queue"] == job.queue
        assert job.queue in told[1].split(",")
        assert job.seconds <= entries[name]["expires"] <= max(job.seconds, 10)
