"""Celery of a city: three queues, and beat's sweeps over the tables that are the truth."""

import os

from celery import Celery
from celery.signals import worker_shutdown

from core.region.current import current_region

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("madoguchi")
app.config_from_object("django.conf:settings", namespace="CELERY")
# A broker that hangs must not hold a request: publishing gives up within a second and beat sweeps later.
app.conf.update(
    task_publish_retry=False,
    broker_transport_options={
        "socket_connect_timeout": 0.3,
        "socket_timeout": 0.5,
        "max_retries": 0,
        "visibility_timeout": 3600,
    },
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=120,
    task_ignore_result=True,
    timezone=current_region().time_zone.key,
)


@app.task(name="portal.run_job")
def run_job(name: str) -> None:
    """Runs one job of `portal.jobs.jobs()` by its name."""
    from portal.jobs import run  # models, once Django is set up

    run(name)


@app.on_after_finalize.connect
def schedule(sender: Celery, **_: object) -> None:
    """Every job is also a beat entry: what was not kicked is swept."""
    import django

    django.setup()
    from portal.jobs import jobs  # models, once Django is set up

    for job in jobs().values():
        # A sweep that nobody took in time is void: the next one does its work, and no backlog waits for a worker.
        sender.add_periodic_task(
            job.seconds, run_job.s(job.name), name=job.name, queue=job.queue, expires=max(job.seconds, 10)
        )


@worker_shutdown.connect
def last_figures(**_: object) -> None:
    """What this worker counted since its last sweep is written before it ends."""
    from gadgets.metrics import call_metrics  # models, once Django is set up

    call_metrics.stop()
