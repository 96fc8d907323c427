"""What changed in the rest of a manifest: data, frame, endpoints, settings, texts; pure."""

from collections.abc import Iterator
from dataclasses import fields

from gadgets.protocol.manifest import Manifest
from gadgets.protocol.manifest_rules import origin_of
from gadgets.review.change import Change, every, listed, sentence
from gadgets.types import DataSpec, FrameSpec, SettingSpec


def found(old: Manifest, new: Manifest) -> Iterator[Change]:
    """Every difference but level, kind and claims; neither the version's number nor any order is one."""
    yield from _data(old, new)
    yield from _frame(old.frame, new.frame)
    yield from _places(old, new)
    yield from _provides(old, new)
    yield from _settings(old.settings, new.settings)
    yield from _numbers(old, new)
    yield from _texts(old, new)


# --- the City OS and the frame ---------------------------------------------------------------------------------


def _data(old: Manifest, new: Manifest) -> Iterator[Change]:
    before = {one.name: one for one in old.data}
    after = {one.name: one for one in new.data}
    for name in sorted(before.keys() - after.keys()):
        yield Change(
            "checks",
            sentence(
                "まちのデータ「{data}」を読まなくなります。",
                "The data {data} is not read any more.",
                data=name,
            ),
        )
    for name, one in after.items():
        if name not in before:
            yield Change(
                "consent" if one.need == "required" else "operator",
                sentence(
                    "まちのデータ「{data}」（{type}: {attrs}）を新しく読みます。",
                    "The data {data} ({type}: {attrs}) is read.",
                    data=name,
                    type=one.type,
                    attrs=", ".join(one.attrs),
                ),
            )
        else:
            yield from _datum(before[name], one)
    if old.template != new.template:
        yield Change(
            "operator",
            sentence("ポータルが作るカードのひな型が変わります。", "The template of the card changes."),
        )


def _datum(old: DataSpec, new: DataSpec) -> Iterator[Change]:
    parts = [
        (label, was, now)
        for label, was, now in (
            ("type", old.type, new.type),
            ("attrs", listed(old.attrs), listed(new.attrs)),
            ("near", old.near or "-", new.near or "-"),
            ("max", str(old.most), str(new.most)),
            ("need", old.need, new.need),
            ("purpose", every(old.purpose), every(new.purpose)),
        )
        if was != now
    ]
    if not parts:
        return
    changed = {label for label, _, _ in parts}
    more = bool(changed & {"type", "purpose"}) or not set(new.attrs) <= set(old.attrs)
    more = more or (new.near != old.near and bool(new.near)) or ("need" in changed and new.need == "required")
    yield Change(
        "consent" if more else "operator" if new.most > old.most else "checks",
        sentence(
            "まちのデータ「{data}」の読み方が変わります（{parts}）。",
            "How the data {data} is read changes ({parts}).",
            data=new.name,
            parts="; ".join(f"{label}: {was} → {now}" for label, was, now in parts),
        ),
    )


def _frame(old: FrameSpec | None, new: FrameSpec | None) -> Iterator[Change]:
    if old is None or new is None or old == new:
        return  # that there is one, or none any more, is a change of the kind
    if old.src != new.src:
        moved = origin_of(old.src) != origin_of(new.src)
        yield Change(
            "consent" if moved else "operator",
            sentence(
                "画面（frame）のアドレスが変わります: {old} → {new}",
                "The frame's address changes: {old} → {new}",
                old=old.src,
                new=new.src,
            ),
        )
    for label, before, after, heavy in (
        ("permissions", old.permissions, new.permissions, True),
        ("csp.connect", old.connect, new.connect, True),
        ("csp.img", old.img, new.img, False),
        ("csp.font", old.font, new.font, False),
    ):
        if set(before) != set(after):
            added = bool(set(after) - set(before))
            yield Change(
                ("consent" if heavy else "operator") if added else "checks",
                sentence(
                    "画面（frame）の {label}: {old} → {new}",
                    "The frame's {label}: {old} → {new}",
                    label=label,
                    old=listed(before),
                    new=listed(after),
                ),
            )
    if (old.min_height, old.max_height) != (new.min_height, new.max_height):
        yield Change(
            "checks",
            sentence(
                "画面（frame）の高さ: {old} → {new}",
                "The frame's height: {old} → {new}",
                old=f"{old.min_height}-{old.max_height}",
                new=f"{new.min_height}-{new.max_height}",
            ),
        )


# --- the rest --------------------------------------------------------------------------------------------------


def _places(old: Manifest, new: Manifest) -> Iterator[Change]:
    for one in fields(old.endpoints):
        before, after = getattr(old.endpoints, one.name), getattr(new.endpoints, one.name)
        if before != after:
            yield Change(
                "operator" if after else "checks",
                sentence(
                    "接続先 {place}: {old} → {new}",
                    "Endpoint {place}: {old} → {new}",
                    place=one.name,
                    old=before or "-",
                    new=after or "-",
                ),
            )
    for label_ja, label_en, before, after in (
        ("リンク先", "Link origins", old.link_origins, new.link_origins),
        ("大きさ", "Sizes", old.sizes, new.sizes),
        ("使える地域", "Regions", old.regions, new.regions),
    ):
        if set(before) != set(after):
            yield Change(
                "operator" if set(after) - set(before) else "checks",
                {
                    "ja": f"{label_ja}: {listed(before)} → {listed(after)}",
                    "en": f"{label_en}: {listed(before)} → {listed(after)}",
                },
            )
    if old.origin != new.origin:
        yield Change(
            "operator",
            sentence("公開する場所: {old} → {new}", "Origin: {old} → {new}", old=old.origin, new=new.origin),
        )


def _provides(old: Manifest, new: Manifest) -> Iterator[Change]:
    def known(manifest: Manifest) -> set[tuple[object, ...]]:
        return {
            (one.type, tuple(sorted(one.attrs)), one.licence, tuple(sorted(one.description.items())))
            for one in manifest.provides
        }

    if known(old) != known(new):
        yield Change(
            "operator",
            sentence(
                "まちに提供するデータ: {old} → {new}",
                "Data it publishes: {old} → {new}",
                old=listed(f"{one.type} ({one.licence})" for one in old.provides),
                new=listed(f"{one.type} ({one.licence})" for one in new.provides),
            ),
        )


def _settings(old: tuple[SettingSpec, ...], new: tuple[SettingSpec, ...]) -> Iterator[Change]:
    before, after = {one.name: one for one in old}, {one.name: one for one in new}
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        what = (
            ("なくなります", "is gone")
            if name not in after
            else ("増えます", "is added")
            if name not in before
            else ("変わります", "changes")
        )
        yield Change(
            "operator" if name in after else "checks",
            sentence(
                f"設定「{{setting}}」が{what[0]}。",
                f"The setting {{setting}} {what[1]}.",
                setting=name,
            ),
        )


def _numbers(old: Manifest, new: Manifest) -> Iterator[Change]:
    if (old.max_age, old.stale) != (new.max_age, new.stale):
        yield Change(
            "operator",
            sentence(
                "カードを保存する時間（秒）: {old} → {new}",
                "How long a card is kept (seconds): {old} → {new}",
                old=f"{old.max_age} + {old.stale}",
                new=f"{new.max_age} + {new.stale}",
            ),
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
                    "ja": f"{label_ja}: {every(before)} → {every(after)}",
                    "en": f"{label_en}: {every(before)} → {every(after)}",
                },
            )
    if old.category != new.category:
        yield Change(
            "operator",
            sentence("分野: {old} → {new}", "Category: {old} → {new}", old=old.category, new=new.category),
        )
    if old.provider != new.provider:
        parts = "; ".join(
            f"{one.name}: {getattr(old.provider, one.name)} → {getattr(new.provider, one.name)}"
            for one in fields(old.provider)
            if getattr(old.provider, one.name) != getattr(new.provider, one.name)
        )
        yield Change(
            "operator",
            sentence(
                "提供者の情報が変わります（{parts}）。",
                "The provider's details change ({parts}).",
                parts=parts,
            ),
        )
