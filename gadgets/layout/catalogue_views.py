"""The catalogue for residents and guests: search, categories, and what each service wants to know before it is added."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gadgets import hooks, queries, words
from gadgets.layout import catalogue as catalogues
from gadgets.layout import layout
from gadgets.layout.catalogue import Sought
from gadgets.layout.layout import Arranged
from gadgets.metrics import call_metrics
from gadgets.types import GadgetInfo
from identity import queries as identity_queries
from identity.domain.audience import matches
from identity.household import authority


@dataclass(frozen=True, slots=True)
class Row:
    """A gadget in the list. `reach`: on how many homes it stands, to tens; None below the smallest shown number.

    `answered`: of a hundred calls in 30 days, or None where there were too few to say so. `local_only`: the reader comes from a neighbouring region that it is not for.
    """

    gadget: GadgetInfo
    arranged: Arranged | None
    reach: int | None
    answered: int | None
    for_everybody: bool
    local_only: bool

    @property
    def title(self) -> str:
        return words.pick(self.gadget.title)

    @property
    def on_home(self) -> bool:
        return self.arranged is not None


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Every published gadget for this reader, narrowed by `q`, `category` and `anonymous` of the address."""
    resident_id = authority.subject(request)
    bundle = identity_queries.bundle(resident_id) if resident_id else None
    offered = [
        gadget
        for gadget in queries.registry().gadgets.values()
        if bundle is None or matches(gadget.audience, bundle.attributes)
    ]
    foreign = {
        gadget.id for gadget in offered if bundle is not None and not gadget.serves(bundle.home_region)
    }
    offered.sort(key=lambda gadget: (gadget.id in foreign, gadget.category, words.pick(gadget.title)))
    sought = Sought.read(request.GET)
    slots = hooks.registered().default_slots()
    placements = queries.layout(resident_id) if resident_id else ()
    on_home = {it.gadget_id: it for it in layout.arrange(slots, placements) if not it.hidden}
    from_start = {slot.gadget_id for slot in slots}
    reach = queries.reach()
    answered = call_metrics.reliability()
    rows = [
        Row(
            gadget,
            on_home.get(gadget.id),
            reach.get(gadget.id),
            answered.get(gadget.id),
            for_everybody=gadget.id in from_start,
            local_only=gadget.id in foreign,
        )
        for gadget in catalogues.search(offered, sought)
    ]
    context = {
        "rows": rows,
        "sought": sought,
        "categories": catalogues.categories(offered),
        "offered": len(offered),
        "resident": resident_id is not None,
    }
    return render(request, "gadgets/catalogue.html", context)
