"""What an alert is called, by its kind and level, and what it must hold before it may go out; pure.

Names as of the system of May 2026: flood, heavy rain, landslide and storm surge carry the level in their name. The
evacuation information of the municipality is a separate thing, with words of its own, and never called 警報. Tsunami,
wind and heat have names without a level; for everything else (a power cut, say) there is no official name.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType

Names = Mapping[str, str]
LOCALES = ("ja", "en", "ja-simple")


def _named(ja: str, en: str, simple: str) -> Names:
    return MappingProxyType({"ja": ja, "en": en, "ja-simple": simple})


_HAZARDS = {
    "flood": ("氾濫", "flood", "川(かわ)が あふれる"),
    "rain": ("大雨", "heavy rain", "大雨(おおあめ)の"),
    "landslide": ("土砂災害", "landslide", "山(やま)や がけが くずれる"),
    "storm_surge": ("高潮", "storm surge", "海(うみ)の 水(みず)が 高(たか)くなる"),
}
_GRADES = {
    2: ("注意報", "advisory", "注意(ちゅうい)"),
    3: ("警報", "warning", "警報(けいほう)"),
    4: ("危険警報", "danger warning", "とても あぶない 警報(けいほう)"),
    5: ("特別警報", "emergency warning", "いちばん あぶない 警報(けいほう)"),
}
_FULL_WIDTH = "０１２３４５"
_EARLY = {1: ("早期注意情報", "early notice", "早(はや)めの お知(し)らせ")}


def _levelled() -> dict[str, dict[int, Names]]:
    found: dict[str, dict[int, Names]] = {}
    for kind, (ja, en, simple) in _HAZARDS.items():
        names = {
            level: _named(
                f"レベル{_FULL_WIDTH[level]}{ja}{grade[0]}",
                f"Level {level} {en} {grade[1]}",
                f"レベル{level} {simple} {grade[2]}",
            )
            for level, grade in _GRADES.items()
        }
        early = _EARLY[1]
        names[1] = _named(f"{early[0]}（{ja}）", f"Early notice of {en}", f"{simple} {early[2]}")
        found[kind] = dict(sorted(names.items()))
    return found


NAMES: Mapping[str, Mapping[int, Names]] = MappingProxyType(
    {
        "evacuation": {
            3: _named(
                "警戒レベル３ 高齢者等避難",
                "Level 3 Evacuation of the elderly and others",
                "レベル3 お年寄(としよ)りや 時間(じかん)が かかる人(ひと)は 逃(に)げる",
            ),
            4: _named("警戒レベル４ 避難指示", "Level 4 Evacuation order", "レベル4 みんな 逃(に)げる"),
            5: _named(
                "警戒レベル５ 緊急安全確保",
                "Level 5 Emergency safety measures",
                "レベル5 すぐに 命(いのち)を 守(まも)る",
            ),
        },
        **_levelled(),
        "tsunami": {
            2: _named("津波注意報", "Tsunami advisory", "津波(つなみ)の 注意(ちゅうい)"),
            3: _named("津波警報", "Tsunami warning", "津波(つなみ)の 警報(けいほう)"),
            5: _named("大津波警報", "Major tsunami warning", "大(おお)きな 津波(つなみ)の 警報(けいほう)"),
        },
        "wind": {
            2: _named("強風注意報", "Gale advisory", "強(つよ)い 風(かぜ)の 注意(ちゅうい)"),
            3: _named("暴風警報", "Storm warning", "とても 強(つよ)い 風(かぜ)の 警報(けいほう)"),
            5: _named(
                "暴風特別警報",
                "Storm emergency warning",
                "いちばん 強(つよ)い 風(かぜ)の 警報(けいほう)",
            ),
        },
        "heat": {
            3: _named(
                "熱中症警戒アラート", "Heat stroke alert", "熱中症(ねっちゅうしょう)に 気(き)を つける"
            ),
            5: _named(
                "熱中症特別警戒アラート",
                "Special heat stroke alert",
                "熱中症(ねっちゅうしょう)で とても あぶない",
            ),
        },
    }
)
"""Kind, level, name. A pair that is not here has no name, and is refused."""
PLAIN: Mapping[str, Names] = MappingProxyType(
    {
        "earthquake": _named("地震の情報", "Earthquake information", "地震(じしん)の お知(し)らせ"),
        "lifeline": _named(
            "断水・停電・交通のお知らせ",
            "Water, power and traffic notice",
            "水(みず)・電気(でんき)・電車(でんしゃ)などの お知(し)らせ",
        ),
        "other": _named("お知らせ", "Notice", "お知(し)らせ"),
    }
)
"""Kinds without official levels: their level only orders them, and is never shown."""
KINDS = (*NAMES, *PLAIN)
LEVELLED = frozenset({"evacuation", *_HAZARDS})
"""Kinds whose level is the 警戒レベル that residents know."""
WHOLE_CITY = _named("市内全域", "Whole city", "市(し)の ぜんぶ")


def levels(kind: str) -> tuple[int, ...]:
    """The levels at which this kind has a name; of a kind without levels all five, as an order."""
    return tuple(NAMES[kind]) if kind in NAMES else (1, 2, 3, 4, 5)


def name(kind: str, level: int, locale: str) -> str:
    """What the alert is called. A pair without a name, such as an old page may hold, falls back to "notice"."""
    names = NAMES.get(kind, {}).get(level) or PLAIN.get(kind) or PLAIN["other"]
    return names.get(locale, names["ja"])


def missing(
    *,
    kind: str,
    level: int | None,
    whole_city: bool,
    districts: Collection[str],
    what_to_do: str,
    valid_until: datetime | None,
    now: datetime,
) -> tuple[str, ...]:
    """What an alert still lacks, as codes: each names its field, and the words stand where they are shown."""
    found = []
    if kind not in KINDS:
        found.append("kind")
    elif level not in levels(kind):
        found.append("level")
    if whole_city == bool(districts):
        found.append("area")
    if not what_to_do.strip():
        found.append("what_to_do")
    if valid_until is None:
        found.append("valid_until")
    elif valid_until <= now:
        found.append("over")
    return tuple(found)
