"""Imports an open data list: `manage.py import_open_data events FILE --dry-run --report FILE.json`."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.content.errors import ImportRefused
from portal.content.importer import SOURCES, TAKAMATSU, Report, import_events
from portal.content.openreader import ENCODINGS

SHOWN = 20


class Command(BaseCommand):
    """All rows or none; the same file twice changes nothing."""

    help = "イベント一覧（推奨データセットの列）を取り込みます。全部取り込むか、何も取り込まないかのどちらかです。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=["events"])
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", choices=sorted(SOURCES), default=TAKAMATSU.code, help="出典")
        parser.add_argument(
            "--encoding", choices=ENCODINGS, help="文字コード。指定しなければ UTF-8 だけを受け付けます。"
        )
        parser.add_argument("--dry-run", action="store_true", help="何も書かずに、結果だけを出します。")
        parser.add_argument("--skip-invalid", action="store_true", help="誤りのある行を除いて取り込みます。")
        parser.add_argument("--report", type=Path, metavar="FILE.json", help="結果を JSON で書き出します。")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            raw = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['file']} を読めません: {error.strerror}") from error
        try:
            report = import_events(
                raw,
                source=SOURCES[options["source"]],
                now=timezone.now(),
                encoding=options["encoding"],
                dry_run=options["dry_run"],
                skip_invalid=options["skip_invalid"],
            )
        except ImportRefused as error:
            self._save(error.report, options["report"], error.message)
            raise CommandError(
                "\n".join([f"{options['file']}: {error.message}", *_problems(error.report)])
            ) from error
        self._save(report, options["report"], "")
        self.stdout.write(_summary(report))
        for line in _problems(report):
            self.stdout.write(line)

    def _save(self, report: Report | None, path: Path | None, refused: str) -> None:
        if path is None:
            return
        document = {**(report.to_json() if report else {}), "refused": refused}
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _summary(report: Report) -> str:
    done = "（確認だけ・何も書いていません）" if report.dry_run else ""
    return (
        f"読んだ行 {report.read}、新規 {report.created}、更新 {report.updated}、変更なし {report.unchanged}、"
        f"直した箇所 {len(report.repaired)}、除いた誤り {len(report.rejected)}、"
        f"同じ行のくり返し {report.repeated}、終了したイベント {report.past}{done}"
    )


def _problems(report: Report | None) -> list[str]:
    if report is None:
        return []
    lines = [f"  {p.row}行目 {p.column}「{p.value}」: {p.why}" for p in report.rejected[:SHOWN]]
    more = len(report.rejected) - SHOWN
    return [*lines, f"  ほか{more}件（--report で全部を書き出せます）"] if more > 0 else lines
