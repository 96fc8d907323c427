"""What changed in what a gadget learns of a resident: level, kind, claims; pure."""

from collections.abc import Iterator, Mapping

from core.texts import pick
from gadgets.protocol.manifest import Manifest
from gadgets.review.change import Change, named, sentence
from gadgets.types import LEVELS, ClaimSpec
from identity.domain import attributes

FINER: Mapping[str, tuple[str, ...]] = {
    "area.waste_zone": ("area.district",),
    "household.has_child": ("household.school_years",),
}
"""For each claim that is derived from another: the finer ones, which say more than it."""


def found(old: Manifest, new: Manifest) -> Iterator[Change]:
    """Every difference in level, kind and claims."""
    yield from _level(old, new)
    yield from _kind(old, new)
    yield from _claims(old, new)


def retention_days(period: str) -> int:
    """`P0D`, `P30D`, `P2W`, `P6M`, `P1Y` as days, rounded up: only used to compare two periods."""
    unit = {"D": 1, "W": 7, "M": 31, "Y": 366}.get(period[-1:], 0)
    digits = period[1:-1]
    return int(digits) * unit if digits.isdigit() else 0


_LEVEL_WORDS: Mapping[str, Mapping[str, str]] = {
    "none": {"ja": "何も伝えない", "en": "nothing about you", "ja-simple": "何も つたえない"},
    "audience": {"ja": "だれかは伝えない", "en": "not who you are", "ja-simple": "だれかは つたえない"},
    "pairwise": {
        "ja": "このサービスだけの番号を伝える",
        "en": "a number for this service only",
        "ja-simple": "このサービスだけの ばんごうを つたえる",
    },
}


def _level(old: Manifest, new: Manifest) -> Iterator[Change]:
    if old.identity == new.identity:
        return
    higher = LEVELS.index(new.identity) > LEVELS.index(old.identity)
    before, after = _LEVEL_WORDS[old.identity], _LEVEL_WORDS[new.identity]
    yield Change(
        "consent" if higher else "checks",
        {
            "ja": f"あなたが誰かの伝え方が「{before['ja']}」から「{after['ja']}」に変わります（{old.identity} → {new.identity}）。",
            "en": f"The identity level changes from {old.identity} ({before['en']}) to {new.identity} ({after['en']}).",
            "ja-simple": f"つたえかたが かわります: 「{before['ja-simple']}」→「{after['ja-simple']}」",
        },
    )


def _kind(old: Manifest, new: Manifest) -> Iterator[Change]:
    """A query tells its provider nothing; whatever takes its place does."""
    if old.kind == new.kind:
        return
    told = old.kind == "query" or new.kind == "frame"
    yield Change(
        "consent" if told else "operator",
        sentence(
            "種類が {old} から {new} に変わります。",
            "The kind changes from {old} to {new}.",
            old=old.kind,
            new=new.kind,
        ),
    )


def _claims(old: Manifest, new: Manifest) -> Iterator[Change]:
    before = {claim.name: claim for claim in old.claims}
    after = {claim.name: claim for claim in new.claims}
    for name in sorted(before.keys() - after.keys()):
        yield Change(
            "checks",
            sentence(
                "「{name}」を聞かなくなります。",
                "{name} is not asked for any more.",
                "「{name}」は ききません。",
                claim=name,
            ),
            name,
        )
    for name, claim in after.items():
        if name in before:
            yield from _claim(before[name], claim)
        else:
            yield _added(claim, before)


def _added(claim: ClaimSpec, before: Mapping[str, ClaimSpec]) -> Change:
    coarse = next((known for known in before if claim.name in FINER.get(known, ())), "")
    if coarse:
        names = named(coarse)
        return Change(
            "consent",
            {
                locale: text.format(old=names[locale], new=named(claim.name)[locale])
                for locale, text in {
                    "ja": "「{old}」より細かい「{new}」を新しく聞きます。",
                    "en": "{new} is asked for, which is finer than {old}.",
                    "ja-simple": "「{old}」より くわしい「{new}」を ききます。",
                }.items()
            },
            claim.name,
        )
    if claim.required:
        return Change(
            "consent",
            sentence(
                "「{name}」を新しく聞きます（必須）。",
                "{name} is asked for (required).",
                "「{name}」を 新しく ききます（かならず いります）。",
                claim=claim.name,
            ),
            claim.name,
        )
    return Change(
        "operator",
        sentence(
            "「{name}」を新しく聞きます（任意）。",
            "{name} is asked for (optional).",
            "「{name}」を 新しく ききます（なくても つかえます）。",
            claim=claim.name,
        ),
        claim.name,
    )


def _claim(old: ClaimSpec, new: ClaimSpec) -> Iterator[Change]:
    if new.required and not old.required:
        yield Change(
            "consent",
            sentence(
                "「{name}」が任意から必須になります。",
                "{name} becomes required.",
                "「{name}」が かならず いるように なります。",
                claim=new.name,
            ),
            new.name,
        )
    elif old.required and not new.required:
        yield Change(
            "checks",
            sentence("「{name}」が必須から任意になります。", "{name} becomes optional.", claim=new.name),
            new.name,
        )
    if dict(old.purpose) != dict(new.purpose):
        purpose = {locale: pick(new.purpose, locale) for locale in attributes.LOCALES}
        name = named(new.name)
        yield Change(
            "consent",
            {
                "ja": f"「{name['ja']}」を使う目的が変わります: {purpose['ja']}",
                "en": f"The purpose of {name['en']} changes: {purpose['en']}",
                "ja-simple": f"「{name['ja-simple']}」を つかう りゆうが かわります: {purpose['ja-simple']}",
            },
            new.name,
        )
    if old.retention != new.retention:
        longer = retention_days(new.retention) > retention_days(old.retention)
        name, spans = named(new.name), (_span(old.retention), _span(new.retention))
        yield Change(
            "consent" if longer else "checks",
            {
                "ja": f"「{name['ja']}」を保存する期間が{spans[0]['ja']}から{spans[1]['ja']}になります。",
                "en": f"{name['en']} is kept for {spans[1]['en']} instead of {spans[0]['en']}.",
                "ja-simple": f"「{name['ja-simple']}」を とっておく 長さが かわります: {spans[0]['ja']} → {spans[1]['ja']}",
            },
            new.name,
        )


def _span(period: str) -> Mapping[str, str]:
    """`P30D` as `30日` and `30 days`."""
    units = {"D": ("日", "days"), "W": ("週間", "weeks"), "M": ("か月", "months"), "Y": ("年", "years")}
    ja, en = units.get(period[-1:], ("", ""))
    number = period[1:-1]
    return {"ja": f"{number}{ja}", "en": f"{number} {en[:-1] if number == '1' else en}"}
