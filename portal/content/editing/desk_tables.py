"""The tables that Wagtail's reports give out as CSV: with a byte order mark, and without formulas."""

from collections.abc import Iterator
from typing import Any

from wagtail.admin.views.mixins import SpreadsheetExportMixin

from core.spreadsheets import BOM, cell


class _Tables:
    """Takes the place of two methods of the mixin, for every report there is."""

    def write_csv_row(self, writer: Any, row_dict: dict[str, Any]) -> Any:
        return writer.writerow(
            {
                field: cell(self.preprocess_field_value(field, value, "csv"))  # type: ignore[attr-defined]
                for field, value in row_dict.items()
            }
        )

    def write_csv_response(self, queryset: Any) -> Any:
        response = _plain_response(self, queryset)
        # The values are those of the mixin's own stream; only the mark comes before them.
        response.streaming_content = _marked(response.streaming_content)
        response["Content-Type"] = "text/csv; charset=utf-8"
        return response


_plain_response = SpreadsheetExportMixin.write_csv_response


def _marked(lines: Iterator[bytes]) -> Iterator[bytes]:
    yield BOM.encode()
    yield from lines


def install() -> None:
    """Called once, when Django starts: Wagtail's reports are many, and their tables are made in one place."""
    SpreadsheetExportMixin.write_csv_row = _Tables.write_csv_row
    SpreadsheetExportMixin.write_csv_response = _Tables.write_csv_response
