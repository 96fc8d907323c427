"""Hands in the next version of a gadget without its provider's desk, inside the site that it is started with.

`python -m tests.journeys.upgrade ID` reads the manifest again, passes its checks as if they had been run, and leaves
the version for the operator.
"""

import os
import sys


def main(gadget_id: str) -> None:
    """What the provider's desk does, by the same actions."""
    from demo.cast import BUSCO
    from gadgets import actions
    from identity.domain.roles import Actor
    from tests.journeys.publish import passed

    by = Actor(id=BUSCO.id, roles=frozenset())
    actions.refresh(gadget_id=gadget_id, by=by)
    passed(gadget_id)
    actions.submit(gadget_id=gadget_id, by=by)


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    main(sys.argv[1])
