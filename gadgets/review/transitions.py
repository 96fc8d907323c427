"""What every step of a gadget's life shares: who may take it, the row that it changes, the note that it leaves."""

from django.utils.translation import gettext_noop

from gadgets.errors import NoSuchGadgetError, NotPermittedError, ReasonMissingError, WrongStateError
from gadgets.models import Gadget, GadgetVersion, Membership, ReviewNote
from gadgets.providers import notifications
from identity.domain.roles import OPERATOR, Actor

Decision = ReviewNote.Decision
Side = ReviewNote.Side

OPEN = (
    GadgetVersion.State.DRAFT,
    GadgetVersion.State.CHECKED,
    GadgetVersion.State.IN_REVIEW,
    GadgetVersion.State.REFUSED,
)
"""A version in one of these is on its way; a gadget has at most one."""

REASON_LENGTH = 2000


# --- who -------------------------------------------------------------------------------------------------------


_RANKS = (Membership.Role.READER, Membership.Role.DEVELOPER, Membership.Role.OWNER)


def member(provider_id: int, by: Actor, role: str = Membership.Role.DEVELOPER) -> None:
    """Raises NotPermittedError for whoever may not act for the organisation in this role, or in a higher one."""
    if by.id is None and by.has(OPERATOR):
        return  # the portal's own commands, such as the seed of the demo
    if not is_member(provider_id, by, role):
        raise NotPermittedError


def is_member(provider_id: int, by: Actor, role: str = Membership.Role.READER) -> bool:
    """Whether somebody belongs to the organisation in this role, or in a higher one."""
    enough = [rank for rank in _RANKS if _RANKS.index(rank) >= _RANKS.index(Membership.Role(role))]
    return (
        by.id is not None
        and Membership.objects.filter(provider_id=provider_id, resident_id=by.id, role__in=enough).exists()
    )


def operator(by: Actor) -> None:
    """Raises NotPermittedError for everybody but operators."""
    if not by.has(OPERATOR):
        raise NotPermittedError


def side_of(provider_id: int, by: Actor) -> str:
    """For whom somebody acts, where both may: a member for the provider, also one who is an operator besides."""
    if by.id is None:
        return Side.MACHINE
    return Side.PROVIDER if is_member(provider_id, by) else Side.OPERATOR


# --- the rows --------------------------------------------------------------------------------------------------


def locked(gadget_id: str) -> Gadget:
    """The gadget's row for this transaction; raises NoSuchGadgetError."""
    gadget = Gadget.objects.select_for_update(of=("self",)).filter(gadget_id=gadget_id).first()
    if gadget is None:
        raise NoSuchGadgetError
    return gadget


def reviewed(gadget_id: str, by: Actor) -> Gadget:
    """The gadget, for an operator who is not a member of its provider: two people look at every version."""
    operator(by)
    gadget = locked(gadget_id)
    if is_member(gadget.provider_id, by):
        raise NotPermittedError(
            gettext_noop("自分が所属する組織のサービスは審査できません。別の運用者に頼んでください。")
        )
    return gadget


def draft(gadget: Gadget) -> GadgetVersion:
    """The version that is on its way; raises WrongStateError when there is none."""
    version = gadget.versions.filter(state__in=OPEN).first()
    if version is None:
        raise WrongStateError(gettext_noop("審査中または準備中の版はありません。"))
    return version


def step(version: GadgetVersion, old: str, new: str, **fields: object) -> None:
    """A conditional UPDATE: of two people who decide at once, one is told."""
    if not GadgetVersion.objects.filter(pk=version.pk, state=old).update(state=new, **fields):
        raise WrongStateError


def turn(gadget: Gadget, old: str, new: str) -> None:
    """As `step`, for the gadget itself."""
    if not Gadget.objects.filter(pk=gadget.pk, state=old).update(state=new):
        raise WrongStateError


def mirror(gadget: Gadget, state: str) -> None:
    """Until its first version is published, a gadget is where its draft is."""
    Gadget.objects.filter(pk=gadget.pk, published__isnull=True).update(state=state)


# --- what is written down --------------------------------------------------------------------------------------


def words(reason: str) -> str:
    """A reason that says something; raises ReasonMissingError."""
    found = reason.replace("\0", "").strip()[:REASON_LENGTH]
    if not found:
        raise ReasonMissingError
    return found


def note(
    gadget: Gadget,
    version: GadgetVersion | None,
    by: Actor | None,
    decision: str,
    reason: str = "",
    *,
    side: str,
) -> None:
    """The entry of the audit trail; what no person did is the machine's. The provider is told of what others did."""
    whose = Side.MACHINE if by is None or by.id is None else side
    ReviewNote.objects.create(
        gadget=gadget,
        version=version,
        who_id=by.id if by else None,
        decision=decision,
        side=whose,
        reason=reason,
    )
    if whose != Side.PROVIDER:
        notifications.announce(gadget, version, decision)
