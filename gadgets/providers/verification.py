"""Who speaks on a card: the organisation's name as an operator verified it, and whether it may speak of danger."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from gadgets.errors import LifeError, WrongStateError
from gadgets.models import CardReport, Gadget, Provider, bump_registry
from gadgets.providers.names import verified
from gadgets.review.transitions import Decision, Side, note, reviewed, words
from identity.audit import chain
from identity.domain.roles import Actor


def confirm(provider: Provider, *, confirmed: bool, by: Actor) -> None:
    """Part of an approval: raises LifeError where nobody has verified the name and the operator does not either."""
    if verified(provider):
        return
    if not confirmed and by.id is not None:
        raise LifeError(
            gettext_noop(
                "提供者の名前が、まだ確かめられていません。確かめて、印を付けてから承認してください。"
            )
        )
    provider.verified_name = provider.name
    provider.verified_at = timezone.now()
    provider.verified_by_id = by.id
    provider.save(update_fields=["verified_name", "verified_at", "verified_by"])
    chain.record("organisation_verified", by=by, provider=provider.pk)


@transaction.atomic
def let_alert(*, gadget_id: str, allowed: bool, reason: str, by: Actor) -> None:
    """An operator lets the gadget's organisation use notices of danger, or takes that back."""
    gadget = reviewed(gadget_id, by)
    why = words(reason)
    if not Provider.objects.filter(pk=gadget.provider_id, may_alert=not allowed).update(may_alert=allowed):
        raise WrongStateError
    said = (
        "「危険」のお知らせを出せるようになりました。"
        if allowed
        else "「危険」のお知らせを出せなくなりました。"
    )
    note(gadget, gadget.published, by, Decision.VERIFIED, f"{said}{why}", side=Side.OPERATOR)
    chain.record("alerts_allowed" if allowed else "alerts_stopped", by=by, provider=gadget.provider_id)
    bump_registry()


@transaction.atomic
def report(*, gadget_id: str, reason: str, text: str, by: Actor) -> None:
    """A resident reports what a card says or asks; an operator reads it, its provider does not."""
    gadget = Gadget.objects.select_related("published").filter(gadget_id=gadget_id).first()
    if gadget is None or gadget.published is None or by.id is None:
        raise WrongStateError
    if reason not in CardReport.Reason.values:
        raise LifeError(gettext_noop("どのようなことかを選んでください。"))
    CardReport.objects.create(
        gadget=gadget,
        version=gadget.published.version,
        reason=reason,
        words=text.replace("\0", "").strip()[:300],
    )
    chain.record("card_reported", who=by.id, gadget=gadget_id, reason=reason)


@transaction.atomic
def settle_reports(*, gadget_id: str, by: Actor) -> None:
    """An operator has looked at what residents reported."""
    gadget = reviewed(gadget_id, by)
    open_ones = CardReport.objects.filter(gadget=gadget, settled_at=None)
    if not open_ones.update(settled_at=timezone.now()):
        raise WrongStateError
    chain.record("card_reports_settled", by=by, gadget=gadget_id)
