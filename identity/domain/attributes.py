"""What may be known about a resident: the attributes, their vocabularies, and what follows from them.

Pure. Districts and zones are those of the region file (core/region).
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from core.region.current import current_region
from core.region.types import District
from core.texts import Texts, gettext_noop, pick
from identity.errors import DerivedAttribute, UnknownAttribute, UnknownValue

Value = str | bool | tuple[str, ...]
LOCALES = ("ja", "en", "ja-simple")


@dataclass(frozen=True, slots=True)
class Definition:
    """One attribute: how many values it takes, from which vocabulary, and what it is called."""

    key: str
    kind: Literal["one", "many", "bool"]
    label: Texts
    options: Mapping[str, Texts]
    derived: bool = False


def _texts(ja: str, en: str, simple: str = "") -> Texts:
    return MappingProxyType({"ja": ja, "en": en, "ja-simple": simple or ja})


REGION = current_region()
DISTRICTS: Mapping[str, District] = MappingProxyType(
    {district.code: district for district in REGION.districts}
)

TOPICS: Mapping[str, Texts] = MappingProxyType(
    {
        "childcare": _texts("子育て", "Childcare", "子(こ)どもを そだてる"),
        "school": _texts("学校・教育", "School and education", "学校(がっこう)"),
        "elderly": _texts("高齢者・介護", "Older people and care", "お年(とし)よりの こと"),
        "health": _texts("健康・医療", "Health", "けんこう・病院(びょういん)"),
        "waste": _texts("ごみ・リサイクル", "Waste and recycling", "ごみ"),
        "disaster": _texts("防災", "Disaster readiness", "地震(じしん)や 大雨(おおあめ)の じゅんび"),
        "transport": _texts("交通", "Transport", "電車(でんしゃ)・バス"),
        "work": _texts("仕事", "Work", "しごと"),
        "procedures": _texts("手続き", "Procedures", "役所(やくしょ)の 手(て)つづき"),
        "foreigners": _texts("外国人住民", "Foreign residents", "外国人(がいこくじん)の 人(ひと)へ"),
        "culture": _texts("文化・歴史", "Culture and history", "文化(ぶんか)・れきし"),
        "music": _texts("音楽", "Music", "音楽(おんがく)"),
        "sports": _texts("スポーツ", "Sports", "スポーツ"),
        "food": _texts("食", "Food", "食(た)べもの"),
        "festival": _texts("祭り・催し", "Festivals", "おまつり"),
        "shopping": _texts("買い物", "Shopping", "買(か)いもの"),
        "hobby": _texts("趣味・講座", "Hobbies and courses", "しゅみ"),
    }
)

AGE_BANDS = ("0-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75+")
SCHOOL_YEARS: Mapping[str, Texts] = MappingProxyType(
    {
        "preschool": _texts("就学前", "Before school", "学校(がっこう)に 入(はい)る まえ"),
        **{
            f"e{n}": _texts(f"小学{n}年", f"Elementary year {n}", f"小学校(しょうがっこう) {n}年(ねん)")
            for n in range(1, 7)
        },
        **{
            f"j{n}": _texts(f"中学{n}年", f"Junior high year {n}", f"中学校(ちゅうがっこう) {n}年(ねん)")
            for n in range(1, 4)
        },
        **{
            f"h{n}": _texts(f"高校{n}年", f"High school year {n}", f"高校(こうこう) {n}年(ねん)")
            for n in range(1, 4)
        },
    }
)
_YES_NO: Mapping[str, Texts] = MappingProxyType(
    {"true": _texts("はい", "Yes", "はい"), "false": _texts("いいえ", "No", "いいえ")}
)


def _age_text(band: str) -> Texts:
    if band == "75+":
        return _texts("75歳以上", "75 and over", "75さい より 上(うえ)")
    low, high = band.split("-")
    return _texts(f"{low}～{high}歳", f"{low} to {high}", f"{low}さい から {high}さい")


_DEFINITIONS = (
    Definition(
        "area.district",
        "one",
        _texts("お住まいの地区", "District", "住(す)んでいる ところ"),
        {d.code: d.name for d in DISTRICTS.values()},
    ),
    Definition(
        "area.waste_zone",
        "one",
        _texts("ごみ収集の区域", "Waste collection zone", "ごみを あつめる 区域(くいき)"),
        {zone.code: zone.name for zone in REGION.zones},
        derived=True,
    ),
    Definition(
        "age_band", "one", _texts("年代", "Age band", "年(とし)"), {b: _age_text(b) for b in AGE_BANDS}
    ),
    Definition(
        "household.has_child",
        "bool",
        _texts("子どものいる世帯", "Household with children", "いっしょに 住(す)む 子(こ)ども"),
        _YES_NO,
    ),
    Definition(
        "household.school_years",
        "many",
        _texts("お子さんの学年", "Children's school years", "子(こ)どもの 学年(がくねん)"),
        SCHOOL_YEARS,
    ),
    Definition(
        "language",
        "one",
        _texts("読みやすい言語", "Language", "読(よ)みやすい ことば"),
        {
            "ja": _texts("日本語", "Japanese", "日本語(にほんご)"),
            "ja-simple": _texts("やさしい日本語", "Easy Japanese", "やさしい 日本語(にほんご)"),
            "en": _texts("英語", "English", "英語(えいご)"),
        },
    ),
    Definition(
        "access_needs",
        "many",
        _texts("利用の配慮", "Access needs", "てつだって ほしい こと"),
        {
            "wheelchair": _texts("車いす", "Wheelchair", "車(くるま)いす"),
            "visual": _texts("見えにくい", "Low vision", "見(み)えにくい"),
            "hearing": _texts("聞こえにくい", "Hard of hearing", "聞(き)こえにくい"),
            "furigana": _texts("ふりがなが必要", "Needs furigana", "ふりがなが ほしい"),
            "companion": _texts("付き添いがいる", "With a companion", "いっしょに 行(い)く 人(ひと)が いる"),
        },
    ),
    Definition(
        "interests", "many", _texts("関心のある話題", "Interests", "すきな こと・知(し)りたい こと"), TOPICS
    ),
    Definition(
        "avoids",
        "many",
        _texts("減らしたい話題", "Topics to see less of", "少(すく)なく して ほしい こと"),
        TOPICS,
    ),
    Definition(
        "area.followed",
        "many",
        _texts("気になる地区", "Districts you follow", "知(し)りたい ところ"),
        {d.code: d.name for d in DISTRICTS.values()},
    ),
)
DEFINITIONS: Mapping[str, Definition] = MappingProxyType({d.key: d for d in _DEFINITIONS})
KEYS = tuple(DEFINITIONS)
SETTABLE = tuple(d.key for d in _DEFINITIONS if not d.derived)
# Preferences are for the portal's own ordering: no provider may ask for them.
PREFERENCES = ("interests", "avoids", "area.followed")
CLAIMS = tuple(key for key in KEYS if key not in PREFERENCES)


def definition(key: str) -> Definition:
    """The definition of `key`; `UnknownAttribute` when there is none."""
    found = DEFINITIONS.get(key)
    if found is None:
        raise UnknownAttribute(key)
    return found


def _validate_bool(key: str, raw: object) -> bool:
    value = {"true": True, "false": False}.get(raw, raw) if isinstance(raw, str) else raw
    if not isinstance(value, bool):
        raise UnknownValue(
            key, gettext_noop("%(name)sは「はい」か「いいえ」で答えてください。"), name=DEFINITIONS[key].label
        )
    return value


def _validate_one(known: Definition, raw: object) -> str:
    if not isinstance(raw, str) or raw not in known.options:
        raise UnknownValue(
            known.key,
            gettext_noop("%(name)sに「%(value)s」という選択肢はありません。"),
            name=known.label,
            value=raw,
        )
    return raw


def validate(key: str, raw: object) -> Value:
    """The value in its canonical form (multiple values in the order of the vocabulary, each once).

    Raises `UnknownAttribute` or `UnknownValue`, both with a sentence that names the attribute.
    """
    known = definition(key)
    if known.kind == "bool":
        return _validate_bool(key, raw)
    if known.kind == "one":
        return _validate_one(known, raw)
    if isinstance(raw, str) or not isinstance(raw, Iterable):
        raise UnknownValue(key, gettext_noop("%(name)sは、選択肢の一覧で答えてください。"), name=known.label)
    chosen = {_validate_one(known, item) for item in raw}
    return tuple(option for option in known.options if option in chosen)


def require_settable(key: str) -> None:
    """`UnknownAttribute`, or `DerivedAttribute` for what follows from another and is never set by itself."""
    known = definition(key)
    if known.derived:
        raise DerivedAttribute(
            key, gettext_noop("%(name)sは、ほかの属性から自動で決まります。"), name=known.label
        )


def validate_settable(key: str, raw: object) -> Value:
    """As `validate`, for what a resident may set; raises also what `require_settable` raises."""
    require_settable(key)
    return validate(key, raw)


def derive(values: Mapping[str, Value]) -> dict[str, Value]:
    """`values` and what follows: the waste zone from the district, children from school years."""
    out = {key: value for key, value in values.items() if key != "area.waste_zone"}
    district = DISTRICTS.get(str(values.get("area.district", "")))
    if district is not None and district.waste_zone:
        out["area.waste_zone"] = district.waste_zone
    if values.get("household.school_years"):
        out["household.has_child"] = True
    return out


def from_json(stored: Mapping[str, Any]) -> dict[str, Value]:
    """What the database or a token holds, with its lists as tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()}


def known_values(values: Mapping[str, Value]) -> dict[str, Value]:
    """`values` without what the vocabularies do not hold, for what was stored under an older region file."""
    out: dict[str, Value] = {}
    for key, value in values.items():
        known = DEFINITIONS.get(key)
        if known is None or known.derived:
            continue
        kept = tuple(one for one in value if one in known.options) if isinstance(value, tuple) else value
        with suppress(UnknownValue):
            out[key] = validate(key, kept)
    return out


def to_json(values: Mapping[str, Value]) -> dict[str, Any]:
    """The reverse of `from_json`."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def label(key: str, locale: str) -> str:
    """What the attribute is called."""
    return pick(definition(key).label, locale)


def value_label(key: str, value: Value, locale: str) -> str:
    """What the value is called; several are joined as the language does it."""
    known = definition(key)
    codes = value if isinstance(value, tuple) else (str(value).lower() if isinstance(value, bool) else value,)
    names = [pick(known.options[code], locale) if code in known.options else code for code in codes]
    return (", " if locale == "en" else "、").join(names)
