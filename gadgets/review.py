"""What changed between two manifests, in words, and which gate the change must pass; pure.

The rows of the protocol's table "Life": `checks` (nothing for the resident), `operator` (asked only when
switching an option on), `consent` (the resident is asked again).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gadgets.manifest import Manifest
from gadgets.types import LEVELS, ClaimSpec, Texts

Gate = Literal["checks", "operator", "consent"]
GATES: tuple[Gate, ...] = ("checks", "operator", "consent")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, the gate that it needs, and the sentence for provider and reviewer."""

    gate: Gate
    text: Texts


def changes(old: Manifest, new: Manifest) -> tuple[Change, ...]:
    """Every difference that provider and reviewer must read, the heaviest gate first."""
    found = [*_level(old, new), *_claims(old, new), *_places(old, new), *_texts(old, new)]
    return tuple(sorted(found, key=lambda change: -GATES.index(change.gate)))


def gate_of(found: tuple[Change, ...]) -> Gate:
    """The heaviest gate among the changes."""
    return max((change.gate for change in found), key=GATES.index, default="checks")


def retention_days(period: str) -> int:
    """`P0D`, `P30D`, `P2W`, `P6M`, `P1Y` as days, rounded up: only used to compare two periods."""
    unit = {"D": 1, "W": 7, "M": 31, "Y": 366}.get(period[-1:], 0)
    digits = period[1:-1]
    return int(digits) * unit if digits.isdigit() else 0


def _level(old: Manifest, new: Manifest) -> Iterator[Change]:
    if old.identity == new.identity:
        return
    higher = LEVELS.index(new.identity) > LEVELS.index(old.identity)
    yield Change(
        "consent" if higher else "checks",
        {
            "ja": f"識別の段階が {old.identity} から {new.identity} に変わります。",
            "en": f"The identity level changes from {old.identity} to {new.identity}.",
        },
    )


def _claims(old: Manifest, new: Manifest) -> Iterator[Change]:
    before = {claim.name: claim for claim in old.claims}
    after = {claim.name: claim for claim in new.claims}
    for name in sorted(before.keys() - after.keys()):
        yield Change(
            "checks", {"ja": f"「{name}」を求めなくなります。", "en": f"{name} is not asked for any more."}
        )
    for name, claim in after.items():
        if name not in before:
            yield Change(
                "consent" if claim.required else "operator",
                {
                    "ja": f"「{name}」を新しく求めます（{'必須' if claim.required else '任意'}）。",
                    "en": f"{name} is asked for ({claim.need}).",
                },
            )
        else:
            yield from _claim(before[name], claim)


def _claim(old: ClaimSpec, new: ClaimSpec) -> Iterator[Change]:
    if new.required and not old.required:
        yield Change(
            "consent",
            {"ja": f"「{new.name}」が任意から必須になります。", "en": f"{new.name} becomes required."},
        )
    elif old.required and not new.required:
        yield Change(
            "checks",
            {"ja": f"「{new.name}」が必須から任意になります。", "en": f"{new.name} becomes optional."},
        )
    if dict(old.purpose) != dict(new.purpose):
        yield Change(
            "consent",
            {
                "ja": f"「{new.name}」の目的が変わります: {new.purpose['ja']}",
                "en": f"The purpose of {new.name} changes: {new.purpose.get('en', new.purpose['ja'])}",
            },
        )
    if old.retention != new.retention:
        longer = retention_days(new.retention) > retention_days(old.retention)
        yield Change(
            "consent" if longer else "checks",
            {
                "ja": f"「{new.name}」の保存期間が {old.retention} から {new.retention} になります。",
                "en": f"{new.name} is kept for {new.retention} instead of {old.retention}.",
            },
        )


def _places(old: Manifest, new: Manifest) -> Iterator[Change]:
    def listed(values: tuple[str, ...]) -> str:
        return ", ".join(values) or "-"

    for label_ja, label_en, before, after in (
        ("接続先", "Endpoints", old.endpoints.all(), new.endpoints.all()),
        ("リンク先", "Link origins", old.link_origins, new.link_origins),
        ("大きさ", "Sizes", old.sizes, new.sizes),
        ("種類", "Kind", (old.kind,), (new.kind,)),
    ):
        if set(before) != set(after):
            yield Change(
                "operator" if set(after) - set(before) else "checks",
                {
                    "ja": f"{label_ja}: {listed(before)} → {listed(after)}",
                    "en": f"{label_en}: {listed(before)} → {listed(after)}",
                },
            )


def _texts(old: Manifest, new: Manifest) -> Iterator[Change]:
    for label_ja, label_en, before, after in (
        ("題名", "Title", old.title, new.title),
        ("説明", "Summary", old.summary, new.summary),
    ):
        if dict(before) != dict(after):
            yield Change(
                "checks",
                {
                    "ja": f"{label_ja}: {before['ja']} → {after['ja']}",
                    "en": f"{label_en}: {before.get('en', before['ja'])} → {after.get('en', after['ja'])}",
                },
            )
    if old.provider != new.provider:
        yield Change("operator", {"ja": "提供者の情報が変わります。", "en": "The provider's details change."})
