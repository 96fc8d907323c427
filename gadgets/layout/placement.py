"""Writes of a resident's layout: adding, removing, moving, hiding and setting gadgets on the home.

`slots` are the city's default slots. A first change writes a row for every gadget on the home, so that the
order the resident saw is the order that is kept. `gadgets.actions` is where other packages find these.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction

from gadgets.errors import BadSettingError, LocalOnlyError, LockedError, NoSuchGadgetError, NotPermittedError
from gadgets.layout.layout import Arranged, Direction, Placement, Slot, arrange, moved
from gadgets.models import Placement as Row
from gadgets.queries import layout, registry
from gadgets.types import GadgetInfo, Setting
from identity.domain.roles import Actor
from identity.household import authority
from identity.residents import mydata


def place(
    *, resident_id: UUID, gadget_id: str, by: Actor, slots: Sequence[Slot] = (), size: str = ""
) -> None:
    """Puts a published gadget at the end of the home, or shows one that was hidden."""
    info = _allowed(resident_id, gadget_id, by)
    wanted = size or info.sizes[0]
    if wanted not in info.sizes:
        raise BadSettingError
    with transaction.atomic():
        arranged = _arranged(resident_id, slots)
        _write(resident_id, arranged)
        position = next(
            (index for index, it in enumerate(arranged) if it.gadget_id == gadget_id), len(arranged)
        )
        Row.objects.update_or_create(
            resident_id=resident_id,
            gadget_id=gadget_id,
            defaults={"hidden": False, **({"size": size} if size else {})},
            create_defaults={"position": position, "size": wanted},
        )


def unplace(*, resident_id: UUID, gadget_id: str, by: Actor, slots: Sequence[Slot] = ()) -> None:
    """Takes a gadget off the home: an own one is forgotten with its settings, a default one is hidden."""
    _self(resident_id, by)
    if any(slot.gadget_id == gadget_id for slot in slots):
        hide(resident_id=resident_id, gadget_id=gadget_id, by=by, slots=slots)
        return
    Row.objects.filter(resident_id=resident_id, gadget_id=gadget_id).delete()


def hide(
    *, resident_id: UUID, gadget_id: str, by: Actor, slots: Sequence[Slot] = (), hidden: bool = True
) -> None:
    """Hides a gadget, or shows it again where it was; a hidden one causes no call to its provider."""
    _self(resident_id, by)
    if hidden and any(slot.gadget_id == gadget_id and slot.locked for slot in slots):
        raise LockedError
    with transaction.atomic():
        _write(resident_id, _arranged(resident_id, slots))
        if not Row.objects.filter(resident_id=resident_id, gadget_id=gadget_id).update(hidden=hidden):
            raise NoSuchGadgetError


def move(
    *, resident_id: UUID, gadget_id: str, direction: Direction, by: Actor, slots: Sequence[Slot] = ()
) -> None:
    """One step up or down, or to the top."""
    _self(resident_id, by)
    with transaction.atomic():
        arranged = _arranged(resident_id, slots)
        if all(it.gadget_id != gadget_id for it in arranged):
            raise NoSuchGadgetError
        by_id = {it.gadget_id: it for it in arranged}
        order = moved([it.gadget_id for it in arranged], gadget_id, direction)
        _write(resident_id, tuple(by_id[it] for it in order))


def configure(
    *,
    resident_id: UUID,
    gadget_id: str,
    by: Actor,
    slots: Sequence[Slot] = (),
    size: str = "",
    settings: Mapping[str, object] | None = None,
) -> None:
    """Sets the size and the settings that the gadget declares; anything else is refused."""
    info = _allowed(resident_id, gadget_id, by)
    if size and size not in info.sizes:
        raise BadSettingError
    chosen = _settings(info, settings or {})
    with transaction.atomic():
        _write(resident_id, _arranged(resident_id, slots))
        changed = {
            **({"size": size} if size else {}),
            **({"settings": chosen} if settings is not None else {}),
        }
        if changed and not Row.objects.filter(resident_id=resident_id, gadget_id=gadget_id).update(**changed):
            raise NoSuchGadgetError


def _settings(info: GadgetInfo, given: Mapping[str, object]) -> dict[str, Setting]:
    specs = {spec.name: spec for spec in info.settings}
    chosen: dict[str, Setting] = {}
    for name, value in given.items():
        if name not in specs or not specs[name].accepts(value):
            raise BadSettingError
        if isinstance(value, (str, bool, int)):
            chosen[name] = value
    return chosen


def _self(resident_id: UUID, by: Actor) -> None:
    """A layout is the resident's own, or in the hands of who acts for them; the portal's commands may seed it."""
    if by.id is not None and not authority.may_act(by, resident_id):
        raise NotPermittedError


def _allowed(resident_id: UUID, gadget_id: str, by: Actor) -> GadgetInfo:
    _self(resident_id, by)
    info = registry().gadgets.get(gadget_id)
    if info is None:
        raise NoSuchGadgetError
    if not info.serves(mydata.home_region(resident_id)):
        raise LocalOnlyError
    return info


def _arranged(resident_id: UUID, slots: Sequence[Slot]) -> tuple[Arranged, ...]:
    rows: tuple[Placement, ...] = layout(resident_id)
    return arrange(slots, rows)


def _write(resident_id: UUID, arranged: Sequence[Arranged]) -> None:
    """The whole order in one statement: two tabs that move at once leave one of the two orders, never a mixture."""
    Row.objects.bulk_create(
        [
            Row(
                resident_id=resident_id,
                gadget_id=it.gadget_id,
                position=position,
                hidden=it.hidden,
                size=it.size,
                settings=dict(it.settings),
            )
            for position, it in enumerate(arranged)
        ],
        update_conflicts=True,
        unique_fields=["resident", "gadget_id"],
        update_fields=["position", "hidden", "size"],
    )
