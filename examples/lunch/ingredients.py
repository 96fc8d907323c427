"""Ingredients a family can look for, found by words in the menu's own ingredient names.

It reads names, not labels, and does not know what a seasoning or a factory-made food contains: finding nothing is
never "free of", and every place that speaks of the choice says so in the same words (`LIMIT`). The eight allergens
that Japanese food labels must name (shrimp, crab, walnut, wheat, buckwheat, egg, milk, peanut: Food Labelling
Standards, as of 2025) are all there. A word that may mean another food counts: better one notice too many.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from examples.kit.card import Texts
from examples.lunch.menu import Dish, Lunch


@dataclass(frozen=True)
class Ingredient:
    """One choice and the words that mean it."""

    label: Texts
    words: tuple[str, ...]


MANDATORY = ("shrimp", "crab", "walnut", "wheat", "buckwheat", "egg", "milk", "peanut")
LIMIT: Texts = {
    "ja": "献立表の食材名だけを調べています。調味料や加工品の中身は分かりません。アレルギーのある方は、必ず学校の詳しい献立表で確認してください。",
    "ja-simple": "献立（こんだて）の 食（た）べものの 名前（なまえ）だけを 見ます。中（なか）に 入（はい）って いる ものは わかりません。アレルギーの 人は、学校（がっこう）に 聞（き）いて ください。",
    "en": "Only the ingredient names of the menu are searched, not what seasonings or processed food contain. With an allergy, always check the school's detailed menu.",
}

INGREDIENTS: Mapping[str, Ingredient] = {
    "egg": Ingredient(
        {"ja": "卵", "ja-simple": "卵（たまご）", "en": "Egg"}, ("卵", "たまご", "玉子", "マヨネーズ")
    ),
    "milk": Ingredient(
        {"ja": "牛乳・乳製品", "ja-simple": "牛乳（ぎゅうにゅう）・チーズ", "en": "Milk and dairy"},
        ("牛乳", "チーズ", "ヨーグルト", "バター", "生クリーム", "脱脂粉乳"),
    ),
    "wheat": Ingredient(
        {"ja": "小麦", "ja-simple": "小麦（こむぎ）", "en": "Wheat"},
        ("小麦", "パン", "うどん", "そうめん", "マカロニ", "すいとん", "スパゲ", "フライ"),
    ),
    "pork": Ingredient(
        {"ja": "豚肉", "ja-simple": "豚（ぶた）の 肉（にく）", "en": "Pork"},
        ("豚", "ベーコン", "ウインナー", "ハム", "ぶた"),
    ),
    "beef": Ingredient({"ja": "牛肉", "ja-simple": "牛（うし）の 肉（にく）", "en": "Beef"}, ("牛肉",)),
    "chicken": Ingredient(
        {"ja": "鶏肉", "ja-simple": "鶏（とり）の 肉（にく）", "en": "Chicken"},
        ("鶏肉", "とり肉", "チキン", "つくね"),
    ),
    "fish": Ingredient(
        {"ja": "魚", "ja-simple": "魚（さかな）", "en": "Fish"},
        (
            "きびなご",
            "あじ開き",
            "さば",
            "まぐろ",
            "煮干し",
            "削り節",
            "かつお",
            "ツナ",
            "かまぼこ",
            "てんぷら",
        ),
    ),
    "shrimp": Ingredient({"ja": "えび", "ja-simple": "えび", "en": "Shrimp"}, ("えび", "エビ", "海老")),
    "crab": Ingredient({"ja": "かに", "ja-simple": "かに", "en": "Crab"}, ("かに", "カニ", "蟹")),
    "molluscs": Ingredient(
        {"ja": "貝・たこ・いか", "ja-simple": "貝（かい）・たこ・いか", "en": "Shellfish, octopus and squid"},
        ("あさり", "たこ", "いか（", "貝"),
    ),
    "buckwheat": Ingredient({"ja": "そば", "ja-simple": "そば", "en": "Buckwheat"}, ("そば", "蕎麦")),
    "peanut": Ingredient(
        {"ja": "落花生（ピーナッツ）", "ja-simple": "ピーナッツ", "en": "Peanut"},
        ("落花生", "ピーナッツ", "ピーナツ"),
    ),
    "walnut": Ingredient(
        {"ja": "くるみ", "ja-simple": "くるみ", "en": "Walnut"}, ("くるみ", "クルミ", "胡桃")
    ),
    "soy": Ingredient(
        {"ja": "大豆", "ja-simple": "大豆（だいず）", "en": "Soy"},
        ("大豆", "豆腐", "油揚げ", "みそ", "しょうゆ", "枝豆"),
    ),
    "sesame": Ingredient({"ja": "ごま", "ja-simple": "ごま", "en": "Sesame"}, ("ごま",)),
    "alcohol": Ingredient(
        {"ja": "料理用の酒", "ja-simple": "料理（りょうり）の お酒（さけ）", "en": "Cooking wine or sake"},
        ("清酒", "ぶどう酒", "みりん"),
    ),
}


def contains(lunch: Lunch, key: str) -> tuple[Dish, ...]:
    """The dishes in whose names or ingredients a word of this choice stands."""
    wanted = INGREDIENTS[key]
    return tuple(dish for dish in lunch.dishes if _meant(wanted, dish))


def found(lunch: Lunch, keys: Iterable[str]) -> list[str]:
    """Which of the choices this lunch contains, in the order of the vocabulary."""
    asked = set(keys)
    return [key for key in INGREDIENTS if key in asked and contains(lunch, key)]


def _meant(wanted: Ingredient, dish: Dish) -> bool:
    return any(word in name for name in (dish.name, *dish.ingredients) for word in wanted.words)
