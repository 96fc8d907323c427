"""The eight collection zones of Takamatsu, from the city's own table."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from examples.kit.card import Texts
from examples.waste.rules import Rule, parse

DATA = Path(__file__).parent / "data"
CLASSES: Mapping[str, Texts] = {
    "burnableGarbage": {"ja": "燃やせるごみ", "ja-simple": "燃（も）やせる ごみ", "en": "Burnable garbage"},
    "crushableGarbage": {
        "ja": "破砕ごみ",
        "ja-simple": "こわして 捨（す）てる ごみ（破砕ごみ）",
        "en": "Crushable garbage",
    },
    "cansGlassPlastic": {
        "ja": "缶・びん・ペットボトル",
        "ja-simple": "缶（かん）・びん・ペットボトル",
        "en": "Cans, bottles and PET bottles",
    },
    "paperAndCloth": {"ja": "紙・布", "ja-simple": "紙（かみ）・布（ぬの）", "en": "Paper and cloth"},
    "plasticContainers": {
        "ja": "プラスチック容器包装",
        "ja-simple": "プラスチックの 入れもの",
        "en": "Plastic containers and packaging",
    },
}
RECYCLING = frozenset({"cansGlassPlastic", "paperAndCloth", "plasticContainers"})


@dataclass(frozen=True)
class Zone:
    """One zone: its number, the districts in it, and a rule for each class of waste."""

    number: str
    districts: Texts
    rules: Mapping[str, Rule]


def load(table: Path = DATA / "garbage_collection_date_0090.csv") -> dict[str, Zone]:
    """The zones by number; raises RuleError when a rule of the table cannot be read."""
    names = json.loads((DATA / "district_names.json").read_text(encoding="utf-8"))
    zones = {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            number = row["#property"]
            zones[number] = Zone(
                number=number,
                districts={"ja": row["name"], **names.get(number, {})},
                rules={column: parse(row[column]) for column in CLASSES},
            )
    return zones
