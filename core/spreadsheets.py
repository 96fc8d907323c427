"""Every CSV file that the product gives out: with a byte order mark, so that Excel reads Japanese, and without formulas."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

BOM = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def cell(value: object) -> object:
    """A value as a cell: text that a spreadsheet would calculate gets an apostrophe in front, and None is empty."""
    if value is None:
        return ""
    # What only looks like text (a lazy translation) is text in the file.
    if isinstance(value, (int, float)):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def csv_response(name: str, header: Sequence[str], rows: Iterable[Iterable[object]]) -> HttpResponse:
    """A file of this name with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([cell(one) for one in header])
    writer.writerows([cell(one) for one in row] for row in rows)
    response = HttpResponse(BOM + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
