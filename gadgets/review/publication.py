"""The operator's decision on a version: published to a share of the residents or to all, widened, sent back."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from core import sweeps
from gadgets.cityos import contracts
from gadgets.errors import NotPermittedError, WrongStateError
from gadgets.frames import frame_tokens
from gadgets.models import Gadget, GadgetVersion, ReviewNote, bump_registry
from gadgets.operation.oidc_clients import client_due
from gadgets.operation.rollout import EARLIER_DAYS, SHARES, WHOLE
from gadgets.protocol import manifest as manifests
from gadgets.protocol.manifest import Manifest
from gadgets.providers import verification
from gadgets.review import comparison
from gadgets.review.transitions import Decision, Side, draft, mirror, note, reviewed, step, words
from gadgets.types import content_hash
from identity.domain.roles import Actor

_HANDED_IN = (Decision.REGISTERED, Decision.SUBMITTED, Decision.IMPORTED)


@transaction.atomic
def approve(*, gadget_id: str, by: Actor, share: int = WHOLE, verified: bool = False) -> None:
    """Publishes the version under review, to `share` percent of the residents: exactly these bytes from now on.

    `verified`: the operator has verified the organisation's name, which residents read from then on; needed once.
    The version before stays for the others, and for whoever has to be asked again until they answer.
    """
    gadget = reviewed(gadget_id, by)
    version = draft(gadget)
    _other_person(version, by)
    parsed = pinned(version)
    verification.confirm(gadget.provider, confirmed=verified, by=by)
    frame_tokens.refuse_shared_origin(parsed, version.url)
    now = timezone.now()
    before = gadget.published
    _may_share(gadget, share, now)
    contracts.approved(gadget, parsed, by=by)
    old = manifests.parse(bytes(before.manifest), url=before.url) if before else None
    asks = old is not None and comparison.gate_of(comparison.changes(old, parsed)) == "consent"
    terms = comparison.terms(before.terms if before else {}, old, parsed)
    step(
        version,
        GadgetVersion.State.IN_REVIEW,
        GadgetVersion.State.APPROVED,
        approved_at=now,
        terms=terms,
    )
    if before is not None and (asks or share < WHOLE):
        gadget.earlier, gadget.earlier_until = before, now + EARLIER_DAYS if asks else None
    elif not _waits(gadget, now):
        gadget.earlier, gadget.earlier_until = None, None
    gadget.share = share
    if gadget.state != Gadget.State.SUSPENDED:
        gadget.state = Gadget.State.PUBLISHED
    _publish(gadget, version, parsed, now)
    note(gadget, version, by, Decision.APPROVED, _in_percent(share), side=Side.OPERATOR)


def _publish(gadget: Gadget, version: GadgetVersion, parsed: Manifest, now: datetime) -> None:
    gadget.published = version
    gadget.published_at = gadget.published_at or now
    gadget.topics = list(parsed.topics)
    gadget.save(
        update_fields=[
            "published",
            "published_at",
            "state",
            "topics",
            "earlier",
            "earlier_until",
            "share",
        ]
    )
    bump_registry()
    client_due(gadget)


def _in_percent(share: int) -> str:
    return "" if share == WHOLE else f"{share}%"


def _waits(gadget: Gadget, now: datetime) -> bool:
    """Whether some residents may still have the version before, because they owe an answer."""
    return gadget.earlier_until is not None and gadget.earlier_until > now


def _may_share(gadget: Gadget, share: int, now: datetime) -> None:
    if share not in SHARES:
        raise WrongStateError(gettext_noop("公開する割合は、5・25・50・100% から選んでください。"))
    if gadget.share < WHOLE:
        raise WrongStateError(
            gettext_noop(
                "前の版を一部の住民だけに公開しています。100% にするか、前の版に戻してから承認してください。"
            )
        )
    if share < WHOLE and gadget.published_id is None:
        raise WrongStateError(
            gettext_noop("最初の版は、すべての住民に公開します。割合は 100% にしてください。")
        )
    if share < WHOLE and _waits(gadget, now):
        raise WrongStateError(
            gettext_noop("同意の確認を待つ住民が、まだ前の版を見ています。今回は 100% で公開してください。")
        )


def pinned(version: GadgetVersion) -> Manifest:
    """The manifest of a version whose bytes are those that were fetched; raises WrongStateError."""
    if content_hash(bytes(version.manifest)) != version.sha256:
        raise WrongStateError(
            gettext_noop("保存したマニフェストが、取得したときのものと違います。もう一度登録してください。")
        )
    return manifests.parse(bytes(version.manifest), url=version.url)


def _other_person(version: GadgetVersion, by: Actor) -> None:
    """Nobody approves what they handed in themselves, also when they have left the organisation since."""
    handed_in = ReviewNote.objects.filter(version=version, decision__in=_HANDED_IN, who_id=by.id)
    if by.id is not None and handed_in.exists():
        raise NotPermittedError(
            gettext_noop(
                "自分が登録・申し込み・取り込みをした版は承認できません。別の運用者に頼んでください。"
            )
        )


@transaction.atomic
def refuse(*, gadget_id: str, reason: str, by: Actor) -> None:
    """Sends the version back; the provider reads `reason` as it was written."""
    gadget = reviewed(gadget_id, by)
    version = draft(gadget)
    step(version, GadgetVersion.State.IN_REVIEW, GadgetVersion.State.REFUSED)
    mirror(gadget, GadgetVersion.State.DRAFT)
    note(gadget, version, by, Decision.REFUSED, words(reason), side=Side.OPERATOR)


@transaction.atomic
def roll_out(*, gadget_id: str, share: int, by: Actor) -> None:
    """Gives the published version to a larger share of the residents; who has it keeps it."""
    gadget = reviewed(gadget_id, by)
    if share not in SHARES or share <= gadget.share:
        raise WrongStateError(
            gettext_noop("いまより大きい割合を選んでください。小さくするときは、前の版に戻してください。")
        )
    asks = gadget.earlier_until is not None
    # Whoever gets the version only now has the full time to answer from now on.
    changed: dict[str, object] = {"share": share}
    changed |= {"earlier_until": timezone.now() + EARLIER_DAYS} if asks else {}
    changed |= {"earlier": None} if share == WHOLE and not asks else {}
    same = Gadget.objects.filter(pk=gadget.pk, share=gadget.share, published_id=gadget.published_id).exclude(
        state=Gadget.State.RETIRED
    )
    if not same.update(**changed):
        raise WrongStateError
    note(gadget, gadget.published, by, Decision.SHARED, f"{share}%", side=Side.OPERATOR)
    bump_registry()
    client_due(gadget)


def version_before(gadget: Gadget) -> GadgetVersion | None:
    """Where a roll back leads: the version that was published before this one and was not taken back itself."""
    if gadget.published is None or gadget.published.approved_at is None:
        return None
    return (
        gadget.versions.filter(
            state=GadgetVersion.State.APPROVED, approved_at__lt=gadget.published.approved_at
        )
        .order_by("-approved_at")
        .first()
    )


@transaction.atomic
def roll_back(*, gadget_id: str, reason: str, by: Actor) -> None:
    """Back to the version before, for everybody: its approved bytes, and the grants that were given to it."""
    gadget = reviewed(gadget_id, by)
    taken_back, target = gadget.published, version_before(gadget)
    if taken_back is None or target is None or gadget.state == Gadget.State.RETIRED:
        raise WrongStateError(gettext_noop("もどれる前の版がありません。"))
    why = words(reason)
    parsed = pinned(target)
    now = timezone.now()
    step(taken_back, GadgetVersion.State.APPROVED, GadgetVersion.State.REPLACED)
    if gadget.earlier_id == target.pk or not _waits(gadget, now):
        gadget.earlier, gadget.earlier_until = None, None
    gadget.share = WHOLE
    _publish(gadget, target, parsed, now)
    note(gadget, target, by, Decision.ROLLED_BACK, why, side=Side.OPERATOR)


@transaction.atomic
def end_waiting(*, now: datetime | None = None) -> int:
    """The sweep: forgets versions before that nobody gets any more; returns how many."""
    over = Gadget.objects.filter(share=WHOLE, earlier_until__lte=now or timezone.now())
    ended = sweeps.each("gadgets.end_gadgets", over, _end_waiting, key=lambda row: f"earlier:{row.gadget_id}")
    return len(ended.done)


@transaction.atomic
def _end_waiting(gadget: Gadget) -> None:
    same = Gadget.objects.filter(pk=gadget.pk, earlier_until=gadget.earlier_until)
    same.update(earlier=None, earlier_until=None)
    client_due(gadget)
    bump_registry()
