"""Check 1: the manifest holds, its version rises, and its languages are complete."""

from collections.abc import Iterator

from gadgets import manifest as manifests
from gadgets.conformance.bench import Subject
from gadgets.conformance_lines import Line, fix, passed
from gadgets.errors import ManifestError
from gadgets.manifest import Manifest


def unreadable(error: ManifestError) -> Iterator[Line]:
    """One line for each problem of a manifest that does not hold."""
    for found in error.problems:
        title = {"ja": f"マニフェスト {found.path}", "en": f"Manifest {found.path}"}
        yield fix(1, title, found.message, found.remedy)


def check(subject: Subject, parsed: Manifest) -> Iterator[Line]:
    yield passed(
        1,
        {"ja": "マニフェストの書き方", "en": "Manifest schema, id and domain"},
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


def _languages(parsed: Manifest) -> Line:
    """What the title speaks, summary and purposes speak too: nobody is asked in a language half understood."""
    title = {"ja": "言語のそろい", "en": "Languages complete"}
    texts = {
        "summary": parsed.summary,
        **{f"claims.{claim.name}.purpose": claim.purpose for claim in parsed.claims},
    }
    gaps = [
        f"{place} ({language})"
        for place, text in texts.items()
        for language in parsed.title
        if not text.get(language)
    ]
    if not gaps:
        languages = ", ".join(parsed.title)
        return passed(
            1, title, {"ja": f"すべて {languages} で書かれています。", "en": f"All in {languages}."}
        )
    return fix(
        1,
        title,
        {"ja": f"足りない文があります: {', '.join(gaps)}", "en": f"Missing: {', '.join(gaps)}."},
        {"ja": "題名と同じ言語で書いてください。", "en": "Write them in the languages of the title."},
    )
