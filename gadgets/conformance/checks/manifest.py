"""Check 1: the manifest holds, its version rises, and its languages are complete."""

from collections.abc import Iterator

from core.texts import Texts
from gadgets.conformance.bench import Subject
from gadgets.errors import ManifestError
from gadgets.protocol import manifest as manifests
from gadgets.protocol.conformance_lines import Line, fix, passed
from gadgets.protocol.manifest import Manifest


def unreadable(error: ManifestError) -> Iterator[Line]:
    """One line for each problem of a manifest that does not hold."""
    for found in error.problems:
        title = {"ja": f"マニフェスト {found.path}", "en": f"Manifest {found.path}"}
        yield fix(1, title, found.message, found.remedy)


def check(subject: Subject, parsed: Manifest) -> Iterator[Line]:
    title = {"ja": "マニフェストの書き方", "en": "Manifest schema, id and domain"}
    if subject.gadget_id and parsed.id != subject.gadget_id:
        yield fix(
            1,
            title,
            {
                "ja": f"id が {subject.gadget_id} から {parsed.id} に変わっています。",
                "en": f"The id was {subject.gadget_id} and is now {parsed.id}.",
            },
            {
                "ja": f"id を {subject.gadget_id} に戻すか、別のサービスとして登録してください。",
                "en": f"Let `id` be {subject.gadget_id} again, or register another gadget.",
            },
        )
    else:
        yield passed(
            1,
            title,
            {
                "ja": f"{parsed.id} は {parsed.host} のマニフェストとして正しく書かれています。",
                "en": f"{parsed.id} is a valid manifest of {parsed.host}.",
            },
        )
    title = {"ja": "版の番号", "en": "Version number"}
    if subject.previous and not manifests.increases(parsed.version, subject.previous):
        yield fix(
            1,
            title,
            {
                "ja": f"版 {parsed.version} は、公開中の {subject.previous} より大きくありません。",
                "en": f"Version {parsed.version} does not come after the published {subject.previous}.",
            },
            {"ja": "version を上げてください。", "en": "Raise `version`."},
        )
    else:
        before = subject.previous or "-"
        yield passed(1, title, {"ja": f"{before} → {parsed.version}", "en": f"{before} → {parsed.version}"})
    yield _languages(parsed)


def _texts(parsed: Manifest) -> Iterator[tuple[str, Texts]]:
    """Every text of the manifest that a resident reads beside the title."""
    yield "summary", parsed.summary
    for claim in parsed.claims:
        yield f"claims.{claim.name}.purpose", claim.purpose
    for read in parsed.data:
        yield f"data.{read.name}.purpose", read.purpose
    for spec in parsed.settings:
        # A field without a title goes by its own name in every language.
        if spec.title != {"ja": spec.name}:
            yield f"settings.{spec.name}.title", spec.title
        for choice, label in spec.labels.items():
            yield f"settings.{spec.name}.labels.{choice}", label


def _languages(parsed: Manifest) -> Line:
    """What the title speaks, every other text speaks too: nobody is asked in a language half understood."""
    title = {"ja": "言語のそろい", "en": "Languages complete"}
    gaps = [
        f"{place} ({language})"
        for place, text in _texts(parsed)
        for language in parsed.title
        if not text.get(language)
    ]
    languages = ", ".join(parsed.title)
    if not gaps:
        return passed(
            1, title, {"ja": f"すべて {languages} で書かれています。", "en": f"All in {languages}."}
        )
    named = ", ".join(gaps)
    return fix(
        1,
        title,
        {"ja": f"足りない文があります: {named}", "en": f"Missing: {named}."},
        {
            "ja": f"{gaps[0].split()[0]} などを、title と同じ言語（{languages}）で書いてください。",
            "en": f"Write {gaps[0].split()[0]} and the like in the languages of `title` ({languages}).",
        },
    )
