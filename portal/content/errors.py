"""Everything that can go wrong with content, each with a sentence that may be shown.

ContentError
├── NotAllowed            the person has no right to do this
├── ImportRefused         nothing of the file was written
│   ├── UnreadableFile    encoding or shape; names line and byte
│   ├── UnknownHeader     the columns are not those of an event list
│   ├── OtherMunicipality the list is another municipality's
│   ├── OtherList         the numbers mean other events than before
│   └── RowsRejected      rows with errors, and --skip-invalid was not given
├── AlertIncomplete       a part that every alert must have is missing, or its end is over
└── AlertNotWritten       the static files could not be replaced
"""

# ruff: noqa: N818 (the names say what happened, as a sentence would)

from typing import Any


class ContentError(Exception):
    """Base of this package's errors; `retry` says whether trying again can help."""

    retry = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAllowed(ContentError):
    """The person has no right to do this."""


class ImportRefused(ContentError):
    """The file was refused as a whole; the database is as it was. `report` is set once its rows were read."""

    report: Any = None


class UnreadableFile(ImportRefused):
    """The bytes are no text in a known encoding, or the text is no table."""


class UnknownHeader(ImportRefused):
    """No row near the top names the columns that an event list must have."""


class OtherMunicipality(ImportRefused):
    """The code column names another municipality in every row."""


class OtherList(ImportRefused):
    """Most numbers of the list stand for other events than at the last import of this dataset."""


class RowsRejected(ImportRefused):
    """At least one row has an error and leaving rows out was not asked for."""


class AlertIncomplete(ContentError):
    """The alert did not go out: kind, level, area, text or an end in the future is missing. `codes` say which."""

    codes: tuple[str, ...] = ()


class AlertNotWritten(ContentError):
    """The static alert files are still the old ones."""

    retry = True
