"""Watches how providers answer: warns them, and takes a gadget off the pages that fails for hours or attacks.

- **Warned**, once a day: fewer than 95 of 100 calls of the last 24 hours went well, of at least `FEWEST_TO_WARN`.
- **Suspended for failing**: in each of the last two full hours, and since, fewer than half of the calls went well, of
  at least `FEWEST_TO_SUSPEND` altogether. The breaker asks a failing provider only every 15 minutes, so the numbers
  are small.
- **Suspended as an attack**, much sooner: `ATTACKS` answers in this clock hour and the one before that no honest
  mistake makes five times (`ATTACK_CODES`): a name that leads into our own network, a way to another address, many
  times the size that is allowed (a packed bomb is among them), headers that carry other headers, cookies for the
  portal. Slowness, wrong types and broken JSON are no attack: they happen to everybody.

What happened before a gadget was resumed, rolled back or upgraded does not count against it. The reason is written for
the provider, with the most frequent faults and what helps, into the gadget's audit trail.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from core import sweeps
from gadgets import actions
from gadgets.errors import LifeError
from gadgets.metrics import call_metrics
from gadgets.metrics.call_metrics import Figures
from gadgets.models import Gadget, GadgetHour, ReviewNote
from gadgets.providers import notifications
from identity.domain.roles import OPERATOR, SYSTEM
from identity.residents import staff_emails

log = logging.getLogger(__name__)

Decision = ReviewNote.Decision
JOB = "gadgets.watch"
WARN_BELOW = 95
SUSPEND_BELOW = 50
FEWEST_TO_WARN = 20
FEWEST_TO_SUSPEND = 10
FAILING_HOURS = 2
ATTACKS = 5
ATTACK_CODES = frozenset(
    {"address_refused", "redirect_refused", "answer_too_large", "header_refused", "cookie_refused"}
)
REMEDIES = {
    "card": ("内容が書き方の決まりに合わない", "失敗の一覧にある場所を直してください"),
    "card_not_drawn": (
        "決まりどおりの内容なのに、ポータルが表示できない",
        "極端な値がないか確かめ、窓口の運営に知らせてください",
    ),
    "deadline_passed": ("時間内に応答が終わらない", "1秒以内に応答できるようにしてください"),
    "connect_failed": ("接続できない", "サーバーが動いているか確かめてください"),
    "name_not_found": ("ホスト名が見つからない", "DNS の登録を確かめてください"),
    "tls_failed": ("証明書を確認できない", "証明書の名前・期限・発行元を確かめてください"),
    "answer_broken": ("応答が途中で切れる、または HTTP ではない", "サーバーの記録を確かめてください"),
    "bad_status": ("200 以外の状態コードが返る", "サーバーの記録を確かめてください"),
    "wrong_content_type": (
        "Content-Type が違う",
        "application/vnd.region-card+json で、圧縮は gzip だけにしてください",
    ),
    "answer_too_large": ("応答が大きさの上限を超える", "64 KB 以内にしてください"),
    "redirect_refused": ("別のアドレスへ転送する", "転送をやめて、そのアドレスで直接応答してください"),
    "address_refused": (
        "ホスト名が公開されていない（内部の）アドレスにつながる",
        "DNS を公開のアドレスだけにしてください",
    ),
    "header_refused": (
        "応答のヘッダーに改行や制御文字が含まれる",
        "ヘッダーの値から改行と制御文字を除いてください",
    ),
    "cookie_refused": ("応答が Cookie を設定しようとする", "Set-Cookie を付けないでください"),
}
"""Code of a fault: what it is, and what helps; for the reasons that a provider reads."""


def sweep(now: datetime | None = None) -> int:
    """Looks at every published gadget with a failed call in the last day; returns how many it warned or suspended."""
    now = now or timezone.now()
    failing = (
        GadgetHour.objects.filter(hour__gte=now - timedelta(hours=25), calls__gt=F("successes"))
        .values_list("gadget_id", flat=True)
        .distinct()
    )
    rows = Gadget.objects.filter(state=Gadget.State.PUBLISHED, gadget_id__in=list(failing))
    judged = sweeps.each(
        JOB, rows.order_by("pk"), lambda row: _judge(row, now), key=lambda row: row.gadget_id
    )
    return sum(judged.results)


def _judge(gadget: Gadget, now: datetime) -> bool:
    hours = call_metrics.hours(gadget.gadget_id, _counts_from(gadget, now))
    if attack := _attack(hours, now):
        words = _sentence("応答が、攻撃と見られるものでした", attack)
        return _suspend(gadget, words)
    if failing := _failing(hours, now):
        words = _sentence(
            f"{FAILING_HOURS}時間以上、成功した割合が{SUSPEND_BELOW}%を下回りました"
            f"（{failing.calls}回のうち成功 {failing.successes}回）",
            failing.faults,
        )
        return _suspend(gadget, words)
    day = _together(found for _, found in hours)
    if day.calls >= FEWEST_TO_WARN and day.successes * 100 < WARN_BELOW * day.calls:
        return _warn(gadget, day, now)
    return False


def _counts_from(gadget: Gadget, now: datetime) -> datetime:
    """A day ago, or the first full hour after the gadget was last put right, if that was later."""
    day = now - timedelta(hours=24)
    notes = gadget.notes.filter(decision__in=[Decision.APPROVED, Decision.RESUMED, Decision.ROLLED_BACK])
    found = list(notes.order_by("-at", "-pk").values_list("at", flat=True)[:2])
    # The first approval puts nothing right.
    return max(day, found[0] + timedelta(hours=1)) if len(found) > 1 else day


def _attack(hours: Sequence[tuple[datetime, Figures]], now: datetime) -> tuple[tuple[str, int], ...]:
    """The attacking answers of this clock hour and the one before, when there are too many."""
    since = now - timedelta(hours=2)
    counted: Counter[str] = Counter()
    for hour, found in hours:
        if hour > since:
            counted.update({code: number for code, number in found.faults if code in ATTACK_CODES})
    return tuple(counted.most_common()) if counted.total() >= ATTACKS else ()


def _failing(hours: Sequence[tuple[datetime, Figures]], now: datetime) -> Figures | None:
    """The last hours, when each of the full ones and the present one went badly."""
    present = now.replace(minute=0, second=0, microsecond=0)
    full = {hour: found for hour, found in hours if hour < present}
    last = [full.get(present - timedelta(hours=back)) for back in range(1, FAILING_HOURS + 1)]
    lately = [found for hour, found in hours if hour >= present]
    counted = [found for found in (*last, *lately) if found is not None and found.calls]
    if None in last or any(not _bad(found) for found in counted) or len(counted) < FAILING_HOURS:
        return None
    whole = _together(counted)
    return whole if whole.calls >= FEWEST_TO_SUSPEND else None


def _bad(found: Figures) -> bool:
    return found.successes * 100 < SUSPEND_BELOW * found.calls


def _together(some: Iterable[Figures]) -> Figures:
    faults: Counter[str] = Counter()
    calls = successes = hits = 0
    for found in some:
        calls, successes, hits = calls + found.calls, successes + found.successes, hits + found.hits
        faults.update(dict(found.faults))
    return Figures(calls, successes, hits, None, tuple(faults.most_common()))


def _sentence(what: str, faults: Sequence[tuple[str, int]]) -> str:
    """Why, with the three most frequent faults and what helps against each."""
    lines = [f"自動で確認した結果です。{what}。"]
    for code, number in faults[:3]:
        meaning, remedy = REMEDIES.get(code, (code, "失敗の一覧を確かめてください"))
        lines.append(f"・{meaning}（{number}回）。{remedy}。")
    return "\n".join(lines)


def _suspend(gadget: Gadget, reason: str) -> bool:
    try:
        actions.suspend(gadget_id=gadget.gadget_id, reason=reason, by=SYSTEM)
    except LifeError:  # somebody else has just done it
        return False
    log.warning("gadget %s suspended by the watch", gadget.gadget_id)
    _tell_operators(gadget, reason)
    return True


def _warn(gadget: Gadget, day: Figures, now: datetime) -> bool:
    with transaction.atomic():
        locked = Gadget.objects.select_for_update(of=("self",)).get(pk=gadget.pk)
        if locked.notes.filter(decision=Decision.WARNED, at__gt=now - timedelta(hours=24)).exists():
            return False
        words = _sentence(
            f"24時間に成功した割合が{WARN_BELOW}%を下回りました（{day.calls}回のうち成功 {day.successes}回）",
            day.faults,
        )
        ReviewNote.objects.create(
            gadget=locked,
            version=locked.published,
            decision=Decision.WARNED,
            side=ReviewNote.Side.MACHINE,
            reason=words,
            at=now,
        )
        notifications.announce(locked, locked.published, Decision.WARNED)
    return True


def _tell_operators(gadget: Gadget, reason: str) -> None:
    """By mail, to each one alone; the desk shows it as well."""
    desk = reverse("city_review_gadget", args=[gadget.gadget_id])
    subject = "サービスを停止しました"  # nothing of a stranger's in a subject: an id may read like an address
    text = f"{reason}\n\n再開するかどうかは、審査の画面で決めてください。\n{settings.PORTAL_URL}{desk}\n"
    for address in staff_emails.addresses(OPERATOR):
        try:
            EmailMessage(subject, text, to=[address]).send()
        except (OSError, SMTPException) as error:
            log.warning("operators not told of %s: %s", gadget.gadget_id, type(error).__name__)
            return
