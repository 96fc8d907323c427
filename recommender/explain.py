"""Says why an item stands where it stands: the largest terms of its score, in words a reader can act on.

`change_key` names the attribute behind a reason; the page links it to the place where it can be changed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from recommender.types import Profile, Ranked, Term, Value

# Below this a term changes an order by chance only: exp(.05) is five in a hundred.
LEAST_WEIGHT = 0.05
MOST_REASONS = 3

# (attribute key, value, locale) → the name of that value; identity.attributes.value_label fits.
Labels = Callable[[str, str, str], str]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a code of SENTENCES, what fills its sentence, and the attribute to change (or "")."""

    code: str
    params: Mapping[str, str]
    change_key: str = ""


RECENT = Reason("recent", {})
_IMPERSONAL = frozenset({"recency", "base", "elsewhere"})

SENTENCES: Mapping[str, Mapping[str, str]] = {
    "district": {
        "ja": "お住まいの地区（{value}）のお知らせ",
        "en": "About your district ({value})",
        "ja-simple": "あなたが すんでいる ところ（{value}）の おしらせ",
    },
    "followed": {
        "ja": "フォローしている地区（{value}）のお知らせ",
        "en": "About a district you follow ({value})",
        "ja-simple": "あなたが えらんだ ところ（{value}）の おしらせ",
    },
    "topic": {
        "ja": "選んだテーマ: {value}",
        "en": "A topic you chose: {value}",
        "ja-simple": "あなたが えらんだ テーマ: {value}",
    },
    "attribute:household.has_child": {
        "ja": "お子さまのいるご家庭",
        "en": "You have children at home",
        "ja-simple": "こどもが いる いえ",
    },
    "attribute:household.school_years": {
        "ja": "お子さまの学年（{value}）",
        "en": "Your children’s school years ({value})",
        "ja-simple": "こどもの がくねん（{value}）",
    },
    "attribute:age_band": {
        "ja": "年代（{value}）",
        "en": "Your age group ({value})",
        "ja-simple": "あなたの とし（{value}）",
    },
    "attribute:language": {
        "ja": "お使いの言語（{value}）",
        "en": "Your language ({value})",
        "ja-simple": "あなたの ことば（{value}）",
    },
    "attribute:area.district": {
        "ja": "お住まいの地区（{value}）の方へのお知らせ",
        "en": "For people in your district ({value})",
        "ja-simple": "あなたが すんでいる ところ（{value}）の ひとへの おしらせ",
    },
    "attribute:interests": {
        "ja": "選んだテーマ: {value}",
        "en": "A topic you chose: {value}",
        "ja-simple": "あなたが えらんだ テーマ: {value}",
    },
    "attribute": {
        "ja": "登録した内容（{value}）",
        "en": "What you told us ({value})",
        "ja-simple": "あなたが かいた こと（{value}）",
    },
    "language": {
        "ja": "お使いの言語で読めます",
        "en": "Available in your language",
        "ja-simple": "あなたの ことばで よむことが できます",
    },
    "newest": {"ja": "新しい順", "en": "Newest first", "ja-simple": "あたらしい じゅんばん"},
    "recent": {"ja": "新しいお知らせ", "en": "Recent", "ja-simple": "あたらしい おしらせ"},
}


def reasons(ranked: Ranked, profile: Profile) -> tuple[Reason, ...]:
    """At most three reasons, the strongest first; never empty, and never two for one attribute."""
    found: list[Reason] = []
    for _, family, key in _personal(ranked.terms):
        value = _value(profile.attributes.get(key, "")) if family == "attribute" else ""
        reason = _reason(family, key, value)
        if not any(_same(reason, other) for other in found):
            found.append(reason)
        if len(found) == MOST_REASONS:
            break
    return tuple(found) or (RECENT,)


def sentence(reason: Reason, locale: str, labels: Labels | None = None) -> str:
    """The reason as a sentence in `locale` (ja where a locale is unknown)."""
    texts = SENTENCES.get(_text_code(reason), SENTENCES["attribute"])
    text = texts.get(locale, texts["ja"])
    key, value = reason.params.get("key", ""), reason.params.get("value", "")
    names = [labels(key, part, locale) if labels else part for part in value.split("|") if part]
    separator = ", " if locale == "en" else "、"
    return text.format(value=separator.join(names))


def _text_code(reason: Reason) -> str:
    if reason.code != "attribute":
        return reason.code
    return f"attribute:{reason.params['key']}"


def _same(one: Reason, other: Reason) -> bool:
    return one == other or (bool(one.change_key) and one.change_key == other.change_key != "interests")


def _personal(terms: Iterable[Term]) -> list[tuple[float, str, str]]:
    """What raised the item because of the reader, strongest first; all terms of one attribute are one.

    The order without personalisation has one term, which explains it whatever its weight.
    """
    sums: dict[tuple[str, str], float] = {}
    for term in terms:
        family = term.family
        if family == "newest":
            return [(0.0, family, "")]
        if family in _IMPERSONAL:
            continue
        name = ("attribute" if family == "audience" else family, term.key)
        sums[name] = sums.get(name, 0.0) + term.weight
    return sorted([(-weight, *name) for name, weight in sums.items() if weight >= LEAST_WEIGHT])


@lru_cache(maxsize=4096)
def _reason(family: str, key: str, value: str) -> Reason:
    if family == "newest":
        return Reason("newest", {})
    if family == "place":
        return Reason("district", {"key": "area.district", "value": key}, "area.district")
    if family == "followed":
        return Reason("followed", {"key": "area.district", "value": key}, "area.followed")
    if family == "declared":
        return Reason("topic", {"key": "interests", "value": key}, "interests")
    if family == "language":
        return Reason("language", {}, "language")
    return Reason("attribute", {"key": key, "value": value}, key)


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else "|".join(value)
