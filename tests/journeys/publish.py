"""Publishes or retires a gadget of a journey's own without its desks, inside the site that it is started with.

`python -m tests.journeys.publish URL` prints the gadget's id; `--retire ID` ends it. For journeys that are about what a
published gadget does, not about how it got there.
"""

import os
import sys
from urllib.parse import urlsplit


def main(arguments: list[str]) -> None:
    """What the desks do, by the same actions."""
    from demo.cast import BUSCO
    from gadgets import actions
    from gadgets.models import Provider
    from identity.domain.roles import SYSTEM, Actor

    if arguments[0] == "--retire":
        actions.retire(gadget_id=arguments[1], reason="試験が終わりました。", by=SYSTEM)
        return
    by = Actor(id=BUSCO.id, roles=frozenset())
    host = urlsplit(arguments[0]).hostname or ""
    known = Provider.objects.filter(host=host).first()
    organisation = (
        known.pk
        if known
        else actions.create_organisation(name=host, kind="company", contact=f"a@{host}", by=by)
    )
    gadget_id = actions.register(url=arguments[0], provider_id=organisation, by=by)
    passed(gadget_id)
    actions.submit(gadget_id=gadget_id, by=by)
    actions.approve(gadget_id=gadget_id, by=SYSTEM)
    sys.stdout.write(f"{gadget_id}\n")


def passed(gadget_id: str) -> None:
    """The draft has passed its checks. The site's worker may have its run already: that is closed for another."""
    from django.utils import timezone

    from gadgets import actions
    from gadgets.models import CheckLine, CheckRun, GadgetVersion

    open_runs = CheckRun.objects.filter(version__gadget__gadget_id=gadget_id).exclude(state="done")
    for number in list(open_runs.values_list("pk", flat=True)):
        CheckRun.objects.filter(pk=number).update(state="running")
        actions.finish_checks(run_id=number, ok=False)
    version = GadgetVersion.objects.get(gadget__gadget_id=gadget_id, state="draft")
    run = CheckRun.objects.create(version=version, state="running", started_at=timezone.now())
    CheckLine.objects.create(
        run=run, position=0, number=1, ok=True, title={"ja": "書き方"}, message={"ja": "正しい"}
    )
    actions.finish_checks(run_id=run.pk, ok=True)


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    main(sys.argv[1:])
