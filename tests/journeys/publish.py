"""Publishes or retires a gadget of a journey's own without its desks, inside the site that it is started with.

`python -m tests.journeys.publish URL [ORGANISATION]` prints the gadget's id; `--retire ID` ends it. For journeys that are about what a
published gadget does, not about how it got there.
"""

import os
import sys


def main(arguments: list[str]) -> None:
    """What the desks do, by the same actions."""
    from gadgets import actions
    from gadgets.models import CheckLine, CheckRun
    from identity.roles import SYSTEM, Actor
    from portal.demo_cast import BUSCO

    if arguments[0] == "--retire":
        actions.retire(gadget_id=arguments[1], reason="試験が終わりました。", by=SYSTEM)
        return
    by = Actor(id=BUSCO.id, roles=frozenset())
    organisation = actions.create_organisation(
        name=arguments[1] if len(arguments) > 1 else "HostileCo",
        kind="company",
        contact="a@hostile.example",
        by=by,
    )
    gadget_id = actions.register(url=arguments[0], provider_id=organisation, by=by)
    run = CheckRun.objects.get(version__gadget__gadget_id=gadget_id, state="waiting")
    CheckRun.objects.filter(pk=run.pk).update(state="running")
    CheckLine.objects.create(
        run=run, position=0, number=1, ok=True, title={"ja": "書き方"}, message={"ja": "正しい"}
    )
    actions.finish_checks(run_id=run.pk, ok=True)
    actions.submit(gadget_id=gadget_id, by=by)
    actions.approve(gadget_id=gadget_id, by=SYSTEM)
    sys.stdout.write(f"{gadget_id}\n")


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    main(sys.argv[1:])
