"""The line of a check report: what was checked, how it went, and what to do; pure."""

from dataclasses import dataclass, field

from core.quoting import escaped
from core.texts import Texts
from gadgets.errors import DoorError


@dataclass(frozen=True, slots=True)
class Line:
    """One line; texts in Japanese and English. `ok` is None when the check could not be run where it was asked for.

    `remedy` is empty when the line passes.
    """

    number: int
    title: Texts
    ok: bool | None
    message: Texts
    remedy: Texts = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A line quotes what a provider sent: all of it passes through here."""
        for name in ("title", "message", "remedy"):
            texts = {language: escaped(text, lines=True) for language, text in getattr(self, name).items()}
            object.__setattr__(self, name, texts)


def passed(number: int, title: Texts, message: Texts) -> Line:
    return Line(number, title, ok=True, message=message)


def fix(number: int, title: Texts, message: Texts, remedy: Texts) -> Line:
    return Line(number, title, ok=False, message=message, remedy=remedy)


def broken(error: DoorError) -> Texts:
    """What the door says, in both languages."""
    return {"ja": error.provider_message, "en": str(error)}


def not_run(number: int, title: Texts, message: Texts, remedy: Texts) -> Line:
    """The check needs something that is not here (a browser, say); `remedy` says where it can be run."""
    return Line(number, title, ok=None, message=message, remedy=remedy)
