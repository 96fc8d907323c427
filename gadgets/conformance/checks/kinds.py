"""Which checks a gadget's kind has: each that does not apply says so in a line, and why."""

from collections.abc import Iterator, Mapping

from core.texts import Texts
from gadgets.protocol.conformance_lines import Line, passed
from gadgets.protocol.manifest import Manifest

TITLES: Mapping[int, Texts] = {
    3: {"ja": "トークンの検証", "en": "Tokens"},
    4: {"ja": "カードの正しさ", "en": "Cards"},
    5: {"ja": "少ない属性でも動く", "en": "Forms with few claims"},
    6: {"ja": "宣言していないことで変わらない", "en": "Non-interference"},
    7: {"ja": "同じ問いに、同じカード", "en": "Same input, same card"},
    8: {"ja": "速さと大きさ", "en": "Speed and size"},
    9: {"ja": "壊れた応答", "en": "Broken answers"},
    10: {"ja": "だれにでも読めるカード（axe）", "en": "Accessible card (axe)"},
    11: {"ja": "リンク先", "en": "Links"},
    12: {"ja": "枠（frame）", "en": "Frame"},
    14: {"ja": "出来事の知らせ", "en": "Events"},
}
PAIRWISE_SECONDS = 15 * 60
"""How long the portal keeps a private card."""
OF_A_CARD = tuple(range(3, 12))
OF_A_SERVER = (3, 6, 8)


def _line(number: int, ja: str, en: str) -> Line:
    return passed(number, TITLES[number], {"ja": f"対象外です。{ja}", "en": f"Does not apply: {en}"})


def without_card(parsed: Manifest) -> Iterator[Line]:
    """The lines of a gadget whose card nobody makes: a link, or a frame with a site of its own."""
    for number in OF_A_CARD:
        yield _line(
            number,
            f"種類「{parsed.kind}」で、カード（endpoints.card）がありません。",
            f"this {parsed.kind} has no card (endpoints.card).",
        )


def without_server(number: int) -> Line:
    """Of a query, whose card the portal makes: there is no provider's server to ask."""
    return _line(
        number,
        "種類「query」のカードはポータルが作るため、提供者のサーバーがありません。",
        "the portal makes the card of a query; there is no provider's server.",
    )


def pairwise() -> Line:
    """Check 6 is for the levels at which a card is shared."""
    return _line(
        6,
        "identity が pairwise のカードは、ひとりの住民のものです。",
        "at level pairwise a card is one resident's own.",
    )


def kept_privately(parsed: Manifest) -> Line:
    """Says what of the manifest's times has an effect: a private card is kept for 15 minutes and no longer."""
    title = {"ja": "カードが残る時間", "en": "How long a card is kept"}
    minutes, asked = PAIRWISE_SECONDS // 60, parsed.max_age + parsed.stale
    if asked <= PAIRWISE_SECONDS:
        return passed(
            9,
            title,
            {
                "ja": f"取得から {asked} 秒の間、古いカードも表示します。",
                "en": f"The last card is shown for {asked} seconds after it was fetched.",
            },
        )
    return passed(
        9,
        title,
        {
            "ja": f"pairwise のカードは、取得から {minutes} 分で消えます。cache.max_age（{parsed.max_age} 秒）と "
            f"cache.stale（{parsed.stale} 秒）の合計 {asked} 秒のうち、{PAIRWISE_SECONDS} 秒より先は効きません。",
            "en": f"At level pairwise a card is gone {minutes} minutes after it was fetched: of cache.max_age "
            f"({parsed.max_age} s) and cache.stale ({parsed.stale} s) nothing beyond {PAIRWISE_SECONDS} s has an effect.",
        },
    )


def without_frame(parsed: Manifest) -> Line:
    return _line(12, f"種類「{parsed.kind}」に枠はありません。", f"a {parsed.kind} has no frame.")


def nobody(parsed: Manifest) -> Line:
    """Check 14 of a gadget that knows no resident apart."""
    return _line(
        14,
        f"identity が {parsed.identity} のため、消す記録がありません。",
        f"at level {parsed.identity} there is nobody's record to erase.",
    )
