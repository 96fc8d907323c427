"""The reasons as sentences in Japanese, English and easy Japanese; pure.

A number stands only beside where it is from: "from records of use" is what was learnt of at least 20 residents, and what
nobody has learnt yet is said to be the editors' expectation.
"""

from collections.abc import Callable, Mapping

from recommender.domain.explain import Reason

# (attribute key, value, locale) → the name of that value; identity.domain.attributes.value_label fits.
Labels = Callable[[str, str, str], str]

TOPICS_OF = "interests"
"""The attribute whose values are topics: their names are asked for by it."""

WHO: Mapping[str, Mapping[str, str]] = {
    "age_band": {
        "ja": "同じ年代（{value}）の方",
        "en": "people of your age group ({value})",
        "ja-simple": "あなたと おなじ とし（{value}）の ひと",
    },
    "household.has_child=true": {
        "ja": "お子さまのいるご家庭",
        "en": "families with children",
        "ja-simple": "こどもが いる いえ",
    },
    "household.has_child=false": {
        "ja": "お子さまのいないご家庭",
        "en": "households without children",
        "ja-simple": "こどもが いない いえ",
    },
    "household.school_years": {
        "ja": "お子さまの学年（{value}）が同じご家庭",
        "en": "families with a child in the same year ({value})",
        "ja-simple": "こどもの がくねん（{value}）が おなじ いえ",
    },
    "language": {
        "ja": "お使いの言語（{value}）が同じ方",
        "en": "people who read your language ({value})",
        "ja-simple": "おなじ ことば（{value}）を よむ ひと",
    },
    "area.district": {
        "ja": "同じ地区（{value}）にお住まいの方",
        "en": "people in your district ({value})",
        "ja-simple": "おなじ ところ（{value}）に すんでいる ひと",
    },
    "": {
        "ja": "登録した内容（{value}）が同じ方",
        "en": "people who told us the same ({value})",
        "ja-simple": "おなじ こと（{value}）を かいた ひと",
    },
}

SENTENCES: Mapping[str, Mapping[str, str]] = {
    "district": {
        "ja": "お住まいの地区（{value}）のお知らせ",
        "en": "About your district ({value})",
        "ja-simple": "あなたが すんでいる ところ（{value}）の おしらせ",
    },
    "followed": {
        "ja": "気になる地区（{value}）のお知らせ",
        "en": "About a district you follow ({value})",
        "ja-simple": "あなたが えらんだ ところ（{value}）の おしらせ",
    },
    "topic": {
        "ja": "選んだテーマ: {value}",
        "en": "A topic you chose: {value}",
        "ja-simple": "あなたが えらんだ テーマ: {value}",
    },
    "audience": {
        "ja": "{who}へのお知らせ",
        "en": "For {who}",
        "ja-simple": "{who}への おしらせ",
    },
    "often": {
        "ja": "{who}は「{topic}」をよく開きます（全体の約{factor}倍。利用の記録から）",
        "en": "{who} open “{topic}” about {factor} times as often as others (from records of use)",
        "ja-simple": "{who}は「{topic}」を よく よみます（みんなの {factor}ばい。つかった きろくから）",
    },
    "often_little": {
        "ja": "{who}は「{topic}」を少しよく開きます（利用の記録から）",
        "en": "{who} open “{topic}” a little more often than others (from records of use)",
        "ja-simple": "{who}は「{topic}」を すこし よく よみます（つかった きろくから）",
    },
    "expected": {
        "ja": "{who}には「{topic}」が役に立つと、市の担当者が見込んでいます",
        "en": "{who}: the city’s editors expect “{topic}” to be useful",
        "ja-simple": "{who}は「{topic}」を よく よむと、市(し)の ひとが かんがえて います",
    },
    "language": {
        "ja": "お使いの言語で読めます",
        "en": "Available in your language",
        "ja-simple": "あなたの ことばで よむことが できます",
    },
    "newest": {"ja": "新しい順", "en": "Newest first", "ja-simple": "あたらしい じゅんばん"},
    "recent": {"ja": "新しいお知らせ", "en": "Recent", "ja-simple": "あたらしい おしらせ"},
    "soon": {
        "ja": "日が近い催し",
        "en": "Coming soon",
        "ja-simple": "もうすぐ ある イベント",
    },
    "popular": {
        "ja": "多くの方に開かれています（利用の記録から）",
        "en": "Opened by many (from records of use)",
        "ja-simple": "おおくの ひとが よんで います（つかった きろくから）",
    },
    "varied": {
        "ja": "いろいろな話題や提供者が並ぶように出しています",
        "en": "Here so that the list has various topics and providers",
        "ja-simple": "いろいろな ものが みえるように だして います",
    },
    "everybody": {
        "ja": "あなただけの理由はありません",
        "en": "For no reason of your own",
        "ja-simple": "あなただけの りゆうは ありません",
    },
    "exploring": {
        "ja": "新しい項目や、まだあまり見られていない項目を、ときどきここに出しています",
        "en": "This place sometimes goes to something new that few people have seen yet",
        "ja-simple": "あたらしい ものや、まだ あまり みられて いない ものを、ときどき ここに だします",
    },
    "lifted": {
        "ja": "小さな提供者も見えるように、少し上に出しています",
        "en": "Shown a little higher, so that small providers are seen too",
        "ja-simple": "ちいさな ところの おしらせも みえるように、すこし うえに だして います",
    },
    "pinned": {
        "ja": "市の担当者が、いま読んでほしいお知らせとして先頭に出しています",
        "en": "The city’s editors put this first for now",
        "ja-simple": "市(し)の ひとが、いま よんで ほしいので、いちばん うえに だして います",
    },
    "ruled_up": {
        "ja": "市の担当者が、期間を決めて上に出しています",
        "en": "The city’s editors raised this for a limited time",
        "ja-simple": "市(し)の ひとが、すこしの あいだ うえに だして います",
    },
    "ruled_down": {
        "ja": "市の担当者が、期間を決めて下げています",
        "en": "The city’s editors lowered this for a limited time",
        "ja-simple": "市(し)の ひとが、すこしの あいだ したに して います",
    },
    "elsewhere": {
        "ja": "ほかの地区のお知らせ",
        "en": "About another district",
        "ja-simple": "ほかの ところの おしらせ",
    },
    "avoided": {
        "ja": "減らしたい話題: {value}",
        "en": "You asked for less of: {value}",
        "ja-simple": "すくなく して ほしい こと: {value}",
    },
    "language_other": {
        "ja": "お使いの言語ではありません",
        "en": "Not in your language",
        "ja-simple": "あなたの ことばでは ありません",
    },
    "seldom": {
        "ja": "{who}が「{topic}」を開くことは少なめです（全体の約{factor}倍。利用の記録から）",
        "en": "{who} open “{topic}” less often: about {factor} times as often as others (from records of use)",
        "ja-simple": "{who}は「{topic}」を あまり よみません（みんなの {factor}ばい。つかった きろくから）",
    },
    "seldom_little": {
        "ja": "{who}が「{topic}」を開くことは、少しだけ少なめです（利用の記録から）",
        "en": "{who} open “{topic}” a little less often than others (from records of use)",
        "ja-simple": "{who}は「{topic}」を よむ ことが すこし すくない です（つかった きろくから）",
    },
    "unexpected": {
        "ja": "{who}には「{topic}」は後でよいと、市の担当者が見込んでいます",
        "en": "{who}: the city’s editors expect “{topic}” to matter less",
        "ja-simple": "{who}は「{topic}」を あまり よまないと、市(し)の ひとが かんがえて います",
    },
    "others": {
        "ja": "ほかの項目が上がったため",
        "en": "Other items went up",
        "ja-simple": "ほかの ものが うえに なりました",
    },
}


def sentence(reason: Reason, locale: str, labels: Labels | None = None) -> str:
    """The reason as a sentence in `locale` (ja where a locale is unknown)."""
    texts = SENTENCES[reason.code]
    params, known = reason.params, locale if locale in texts else "ja"
    key, value, topic = params.get("key", ""), params.get("value", ""), params.get("topic", "")
    told = texts[known].format(
        who=who(key, value, known, labels),
        value=_names(key, value, known, labels),
        topic=_names(TOPICS_OF, topic, known, labels),
        factor=params.get("factor", ""),
    )
    return told[:1].upper() + told[1:]


def who(key: str, value: str, locale: str, labels: Labels | None = None) -> str:
    """The people whom a value of an attribute makes alike."""
    texts = WHO.get(f"{key}={value}") or WHO.get(key) or WHO[""]
    return texts[locale].format(value=_names(key, value, locale, labels))


def _names(key: str, values: str, locale: str, labels: Labels | None) -> str:
    names = [labels(key, part, locale) if labels else part for part in values.split("|") if part]
    return (", " if locale == "en" else "、").join(names)
