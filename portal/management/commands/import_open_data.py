"""Imports an open data list: `manage.py import_open_data events FILE --dry-run --report FILE.json`."""

import json
import os
import re
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core.region.current import current_region
from portal.content.errors import ImportRefused
from portal.imports.event_import import import_events
from portal.imports.list_plan import DATASET, Report
from portal.imports.list_reader import ENCODINGS

SHOWN = 20


SOURCES = {source.code: source for source in current_region().sources}


class Command(BaseCommand):
    """Checked whole before anything is written; the same file twice changes nothing."""

    help = (
        "イベント一覧（自治体標準オープンデータセット、推奨データセットの列）を取り込みます。"
        "誤りがあれば、何も書く前に止まります。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=["events"])
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--source",
            choices=sorted(SOURCES),
            default=next(iter(SOURCES), None),
            help="出典（地域ファイルの sources）",
        )
        parser.add_argument(
            "--dataset", default=DATASET, type=_name,
            help="一覧の名前。同じ出典に一覧がいくつもあるときに分けます。",
        )  # fmt: skip
        parser.add_argument(
            "--encoding", choices=ENCODINGS, help="文字コード。指定しなければ UTF-8 だけを受け付けます。"
        )
        parser.add_argument("--dry-run", action="store_true", help="何も書かずに、結果だけを出します。")
        parser.add_argument("--skip-invalid", action="store_true", help="誤りのある行を除いて取り込みます。")
        parser.add_argument(
            "--confirm", action="store_true",
            help="別の一覧に見えるファイル、急に短くなったファイルも、そのまま取り込みます。",
        )  # fmt: skip
        parser.add_argument("--report", type=Path, metavar="FILE.json", help="結果を JSON で書き出します。")

    def run_from_argv(self, argv: list[str]) -> None:
        """Typed, it leaves the processors to those who wait for a page."""
        os.nice(10)
        super().run_from_argv(argv)

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["source"] is None:
            raise CommandError("地域ファイルに出典（sources）がありません。")
        try:
            raw = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['file']} を読めません: {error.strerror}") from error
        try:
            report = import_events(
                raw,
                source=SOURCES[options["source"]],
                now=timezone.now(),
                dataset=options["dataset"],
                encoding=options["encoding"],
                dry_run=options["dry_run"],
                skip_invalid=options["skip_invalid"],
                confirm=options["confirm"],
            )
        except ImportRefused as error:
            self._save(error.report, options["report"], error.message)
            raise CommandError(
                "\n".join([f"{options['file']}: {error.message}", *_problems(error.report)])
            ) from error
        self._save(report, options["report"], "")
        self.stdout.write(_summary(report))
        for line in (*_problems(report), *_told(report)):
            self.stdout.write(line)

    def _save(self, report: Report | None, path: Path | None, refused: str) -> None:
        if path is None:
            return
        document = {**(report.to_json() if report else {}), "refused": refused}
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _name(raw: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", raw):
        raise ArgumentTypeError("小文字の英数字と - _ で、64文字まで")
    return raw


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
    return _first([f"{p.row}行目 {p.column}「{p.value}」: {p.why}" for p in report.rejected])


def _told(report: Report) -> list[str]:
    """What changed, moved, left the list, stays because of an editor, and was not read: a line each."""
    changed = [
        f"更新 {c.row}行目「{c.title}」: {'、'.join(c.columns) or 'もう一度公開'}" for c in report.changed
    ]
    moved = [f"番号の変更 {m.row}行目「{m.title}」: NO {m.before} → {m.after}" for m in report.moved]
    gone = [
        f"一覧にない NO {g.number or '（なし）'}「{g.title}」{'・ページを下げました' if g.taken_down else ''}"
        for g in report.gone
    ]
    kept = [
        f"編集者の記載を残す {k.row}行目「{k.title}」{k.column}: ページ「{k.page}」、一覧「{k.list}」"
        for k in report.kept
    ]
    unread = [f"  読まない列 {column}（値のある行 {rows}）" for column, rows in report.unread.items()]
    held_back = [f"  注意: {report.held_back}"] if report.held_back else []
    return [*_first(changed), *_first(moved), *_first(gone), *_first(kept), *unread, *held_back]


def _first(lines: list[str]) -> list[str]:
    more = len(lines) - SHOWN
    rest = [f"  ほか{more}件（--report で全部を書き出せます）"] if more > 0 else []
    return [*(f"  {line}" for line in lines[:SHOWN]), *rest]
