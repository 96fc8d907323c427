"""Names and words that a reader takes for the city, an alert or a sign-in, however they are spelt; pure.

Nothing is refused by this: a reviewer sees each one, and decides. Compared is a skeleton of the text: letters that look
alike are one letter, width, case, marks, spaces and separators do not count.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_LOOK_ALIKE = {
    # kanji and kana of the same shape
    "二": "ニ", "三": "ミ", "一": "ー", "口": "ロ", "囗": "ロ", "工": "エ", "力": "カ", "夕": "タ", "卜": "ト", "八": "ハ",
    "千": "チ", "才": "オ", "个": "ケ", "ヶ": "ケ", "へ": "ヘ", "べ": "ベ", "ぺ": "ペ", "り": "リ", "乂": "メ", "又": "ヌ",
    "丿": "ノ", "匕": "ヒ", "厶": "ム", "亠": "ー", "丨": "|", "亻": "イ",
    # kanji of nearly the same shape, and old forms
    "曰": "日", "土": "士", "末": "未", "己": "已", "巳": "已", "干": "千", "于": "千", "髙": "高", "﨑": "崎", "﨟": "崎",
    "國": "国", "區": "区", "廣": "広", "縣": "県", "濱": "浜", "澤": "沢", "邉": "辺", "邊": "辺", "淸": "清",
    "甴": "由", "巿": "市", "帀": "市", "柗": "松", "枩": "松", "窗": "窓",
    # digits and Latin letters
    "0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "〇": "o", "○": "o", "◯": "o",
    # Cyrillic and Greek
    "а": "a", "в": "b", "с": "c", "ԁ": "d", "е": "e", "һ": "h", "н": "h", "і": "l", "ӏ": "l", "ј": "j", "к": "k", "м": "m",
    "о": "o", "р": "p", "ѕ": "s", "т": "t", "у": "y", "х": "x", "α": "a", "β": "b", "ε": "e", "ι": "l", "κ": "k", "ν": "v",
    "ο": "o", "ρ": "p", "τ": "t", "υ": "u", "χ": "x", "ɡ": "g", "ı": "l",
}  # fmt: skip
"""What a letter is drawn like. The strokes that may be ー are in `_STROKES`."""
_STROKES = frozenset("ー一-‐‑‒–—―−─━﹣ｰ~〜～_")


def _ends() -> Mapping[str, str]:
    """The table followed to its end: 于 is drawn like 千, and 千 like チ."""

    def end(letter: str) -> str:
        while letter in _LOOK_ALIKE:
            letter = _LOOK_ALIKE[letter]
        return letter

    return {letter: end(letter) for letter in _LOOK_ALIKE}


_DRAWN_LIKE = _ends()
# Combining voicing marks of kana change the letter and stay.
_KEPT_MARKS = frozenset("\u3099\u309a")

WORDS: Mapping[str, tuple[str, ...]] = {
    "authority": (
        "市役所", "区役所", "町役場", "市町村", "役所", "自治体", "市長", "公式", "行政", "警察", "消防", "気象庁", "総務省", "デジタル庁",
        "税務署", "保健所", "官公庁", "政府", "city hall", "official", "government", "police", "fire department",
    ),
    "alert": (
        "緊急", "避難", "警戒レベル", "警報", "注意報", "土砂災害", "氾濫", "津波", "国民保護", "Jアラート", "速報", "危険", "evacuat",
        "emergency", "warning", "alert", "tsunami",
    ),
    "identity": (
        "地域ID", "マイナンバー", "マイナポータル", "サインイン", "ログイン", "パスワード", "暗証番号", "確認コード", "許可して使う", "sign in",
        "log in", "password", "passcode", "verify your",
    ),
}  # fmt: skip
"""By what a reader would take the gadget for."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One reserved word in one text; `why` is a key of WORDS, or `region` for a name of the region or the portal."""

    place: str
    text: str
    word: str
    why: str


def skeleton(text: str) -> str:
    """The same for texts that look alike."""
    found: list[str] = []
    for letter in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()):
        if unicodedata.category(letter) in ("Mn", "Me", "Cf", "Cc") and letter not in _KEPT_MARKS:
            continue
        if letter in _STROKES:
            found.append("ー")
        elif letter in _DRAWN_LIKE:
            found.append(_DRAWN_LIKE[letter])
        elif letter.isalnum() or letter in _KEPT_MARKS:
            found.append(letter)
    return "".join(found)


def flags(texts: Mapping[str, str], *, region: Iterable[str] = ()) -> tuple[Flag, ...]:
    """What a reviewer has to look at. `texts` by place; `region`: names of the region and of its portal."""
    return tuple(_flags(texts, region))


def _flags(texts: Mapping[str, str], region: Iterable[str]) -> Iterator[Flag]:
    words = [(word, "region") for word in region] + [
        (word, why) for why, several in WORDS.items() for word in several
    ]
    known = [(word, why, skeleton(word)) for word, why in words]
    for place, text in texts.items():
        drawn = skeleton(text)
        for word, why, reserved in known:
            if reserved and reserved in drawn:
                yield Flag(place, text, word, why)
