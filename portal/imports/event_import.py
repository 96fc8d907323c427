"""Imports a publisher's list of events: planned in memory, then written in short transactions."""

from datetime import datetime

from core.region.types import Source
from portal.content.errors import RowsRejected
from portal.imports import list_writing
from portal.imports.list_plan import DATASET, Report, planned, refused
from portal.imports.list_reader import decode, read_table


def import_events(
    raw: bytes,
    *,
    source: Source,
    now: datetime,
    dataset: str = DATASET,
    encoding: str | None = None,
    dry_run: bool = False,
    skip_invalid: bool = False,
    confirm: bool = False,
) -> Report:
    """Imports a list: checked whole before the first page is written, then written in short transactions.

    Raises `UnreadableFile`, `UnknownHeader`, `OtherMunicipality` or `OtherList` for the file, `RowsRejected` for rows
    unless `skip_invalid`; the report of a refused file is the error's `report`. `confirm` takes a list that looks
    like another one, and takes down what left it however much that is.
    """
    report = Report(source.code, dataset, dry_run=dry_run)
    text, report.encoding = decode(raw, encoding)
    plan = planned(read_table(text, report.encoding), source, dataset, now, report, confirm=confirm)
    if report.rejected and not skip_invalid:
        rows = len({problem.row for problem in report.rejected})
        raise refused(
            RowsRejected(
                f"{rows}行に誤りがあるため、何も取り込みませんでした。"
                "誤りのない行だけを取り込むときは --skip-invalid を付けてください。"
            ),
            report,
        )
    if not dry_run:
        list_writing.write(plan)
    return report
