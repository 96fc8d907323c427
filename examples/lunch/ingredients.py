"""Ingredients a family can ask to be warned of, found by words in the menu's own ingredient names.

It reads names, not labels: it is no allergy check, and every notice says so.
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
    "shellfish": Ingredient(
        {
            "ja": "えび・かに・貝・たこ",
            "ja-simple": "えび・かに・貝（かい）・たこ",
            "en": "Shellfish and octopus",
        },
        ("えび", "かに", "あさり", "たこ", "いか（"),
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
