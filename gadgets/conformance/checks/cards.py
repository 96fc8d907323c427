"""Checks 4, 5 and 11: every card is valid, comes with few claims too, and its links stay where they were declared."""

from collections.abc import Iterator, Mapping

from core.texts import Texts
from gadgets.conformance import compare
from gadgets.conformance.bench import SHOWN, Bench, Fault, no_card, out_of_time
from gadgets.conformance.checks.request_tokens import PERSONAS, Case
from gadgets.errors import CardError, DoorError
from gadgets.protocol import card as cards
from gadgets.protocol.conformance_lines import Line, fix, not_run, passed
from gadgets.types import Value


def personas(bench: Bench) -> Line:
    title = {
        "ja": "どの人・言語・大きさでも正しいカード",
        "en": "Card valid for every persona, locale and size",
    }
    faults: list[tuple[str, Fault]] = []
    cases = bench.cases()
    for case in cases:
        if bench.over:
            return out_of_time(4, title, bench)
        fault = bench.fault(case)
        if fault is not None:
            faults.append((case.name, fault))
            if len(faults) == SHOWN:
                break
    if not faults:
        count = len(cases)
        return passed(
            4, title, {"ja": f"{count} 通りすべて正しいカードでした。", "en": f"All {count} cards are valid."}
        )
    return fix(
        4,
        title,
        {
            language: "\n".join(f"[{name}] {fault.told[language]}" for name, fault in faults)
            for language in ("ja", "en")
        },
        {
            "ja": f"{faults[0][1].remedy['ja']} 示された場所は、カードの仕様 /schemas/card-1.0.json にあります。",
            "en": f"{faults[0][1].remedy['en']} The places named are those of /schemas/card-1.0.json.",
        },
    )


def forms(bench: Bench) -> Iterator[Line]:
    """Check 5: the public form, the required claims only, all of them."""
    everything = PERSONAS["hanako"]
    declared = bench.manifest.claims
    required = {c.name: everything[c.name] for c in declared if c.required and c.name in everything}
    full = {c.name: everything[c.name] for c in declared if c.name in everything}
    forms: list[tuple[Texts, Mapping[str, Value]]] = [
        ({"ja": "属性なし（公開形）で動く", "en": "Works with no claims (public form)"}, {}),
    ]
    if declared:
        forms += [
            ({"ja": "必須の属性だけで動く", "en": "Works with the required claims only"}, required),
            ({"ja": "すべての属性で動く", "en": "Works with all claims"}, full),
        ]
    for title, claims in forms:
        case = Case(title["ja"], claims, "ja", bench.manifest.sizes[0])
        fault = bench.fault(case)
        if fault is None:
            yield passed(5, title, {"ja": "カードが返りました。", "en": "It answered with a card."})
        else:
            yield fix(
                5,
                title,
                fault.told,
                {
                    "ja": f"granted にある属性だけで、役に立つカードを返してください。{fault.remedy['ja']}",
                    "en": f"Answer usefully with nothing but what `granted` names. {fault.remedy['en']}",
                },
            )


def use_of_claims(bench: Bench) -> Iterator[Line]:
    """Check 5 too: what is asked for changes the card. Somebody's attribute that changes nothing is not needed."""
    title = {"ja": "求めた属性を使っている", "en": "Uses the attributes that it asks for"}
    size = bench.manifest.sizes[-1]
    unused, asked = [], False
    for claim in bench.manifest.claims:
        people = [person for person in PERSONAS.values() if claim.name in person]
        if not people:
            continue
        asked = True
        if bench.over:
            yield out_of_time(5, title, bench)
            return
        if not any(_changes(bench, claim.name, person, size) for person in people):
            unused.append(claim.name)
    if not asked:
        return
    if not unused:
        yield passed(
            5, title, {"ja": "属性によってカードが変わります。", "en": "Each attribute changes the card."}
        )
        return
    names = ", ".join(unused)
    told = {
        "ja": f"{names} があってもなくても、カードが同じです。",
        "en": f"The card is the same with and without {names}.",
    }
    if bench.manifest.frame is not None or bench.manifest.endpoints.login:
        # The provider's own pages may use what the card does not: the operator who reviews it judges.
        yield not_run(
            5, title, told,
            {
                "ja": "カードで使わない属性は、枠やサイトで何に使うかを purpose に書いてください。審査で確かめます。",
                "en": "Say in `purpose` what your frame or site does with what the card does not use; the review looks at it.",
            },
        )  # fmt: skip
        return
    yield fix(
        5, title, told,
        {
            "ja": "使わない属性は claims から除いてください。",
            "en": "Drop from `claims` what is not used.",
        },
    )  # fmt: skip


def _changes(bench: Bench, name: str, person: Mapping[str, Value], size: str) -> bool:
    """Whether one persona's card differs with and without the attribute; True where it cannot be told."""
    declared = [claim.name for claim in bench.manifest.claims if claim.name in person]
    with_it = {key: person[key] for key in declared}
    without = {key: value for key, value in with_it.items() if key != name}
    try:
        one, other = (bench.ask(Case("use", claims, "ja", size)) for claims in (with_it, without))
    except DoorError:
        return True
    return one.status != 200 or other.status != 200 or not compare.same(one.body, other.body)


def links(bench: Bench) -> Line:
    title = {"ja": "リンク先は宣言したオリジンの中", "en": "Links stay in the declared origins"}
    if not bench.seen:
        return no_card(11, title)
    faults: dict[str, Texts] = {}
    for seen in bench.seen:
        try:
            cards.parse(seen.answer.body, manifest=bench.manifest)
        except CardError as error:
            faults.setdefault(error.in_words("ja"), {"ja": error.in_words("ja"), "en": error.in_words("en")})
    if not faults:
        count = len(bench.seen)
        return passed(
            11, title, {"ja": f"{count} 枚のカードを調べました。", "en": f"{count} cards were read."}
        )
    shown = list(faults.values())[:SHOWN]
    return fix(
        11,
        title,
        {language: "\n".join(fault[language] for fault in shown) for language in ("ja", "en")},
        {
            "ja": "リンクを link_origins の中にするか、マニフェストに加えて版を上げてください。",
            "en": "Keep links inside `link_origins`, or add the origin and raise the version.",
        },
    )
