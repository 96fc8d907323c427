"""Alerts as static files, so that they can be read with database and ID down.

`alert_order` and the two `render_*` functions are pure (but for the region's time zone); `replace_files` is the
only one that writes.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from core.region_time import region_local
from core.texts import pick
from identity.domain.attributes import DISTRICTS
from portal.alerts import alert_names
from portal.content.errors import AlertNotWritten

Render = Callable[[Iterable["Alert"], datetime], str]
JSON_NAME = "alerts.json"
HTML_NAME = "alerts.html"
WAITING_NAME = ".audit"
"""Not served: nginx and the views name the two files."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it stands in the files; texts by locale, times with an offset. No district is the whole city."""

    id: str
    level: int
    kind: str
    urgent: bool
    title: Mapping[str, str]
    summary: Mapping[str, str]
    what_to_do: Mapping[str, str]
    districts: tuple[str, ...]
    published_at: datetime
    valid_until: datetime | None
    url: str = ""
    origin: str = "page"
    corrected_at: datetime | None = None

    @property
    def name(self) -> dict[str, str]:
        """By kind and level, in every language."""
        return {locale: alert_names.name(self.kind, self.level, locale) for locale in alert_names.LOCALES}

    @property
    def area(self) -> dict[str, str]:
        """Where it holds, in every language."""
        return {locale: area_words(self.districts, locale) for locale in alert_names.LOCALES}


def area_words(districts: Iterable[str], locale: str) -> str:
    """The districts by name, or the whole city."""
    names = [pick(DISTRICTS[code].name, locale) for code in districts if code in DISTRICTS]
    dot = ", " if locale == "en" else "・"
    return dot.join(names) or alert_names.WHOLE_CITY[locale]


def alert_order(alert: Alert) -> tuple[bool, int, float]:
    """Sort key: urgent before all others, then the higher level, then the newer; a lesser one never displaces."""
    return (not alert.urgent, -alert.level, -alert.published_at.timestamp())


def standing(alerts: Iterable[Alert], now: datetime) -> tuple[Alert, ...]:
    """Those that still hold, in the order in which they are shown."""
    return tuple(sorted((a for a in alerts if a.valid_until is None or a.valid_until > now), key=alert_order))


def render_json(alerts: Iterable[Alert], now: datetime) -> str:
    """The file for programs and for the portal's own reading."""
    entries = []
    for alert in standing(alerts, now):
        entry = {"name": alert.name, "area": alert.area, **asdict(alert)}
        for moment in ("published_at", "corrected_at", "valid_until"):
            at = getattr(alert, moment)
            entry[moment] = region_local(at).isoformat() if at else None
        entries.append(entry)
    return (
        json.dumps(
            {"updated": region_local(now).isoformat(), "alerts": entries}, ensure_ascii=False, indent=1
        )
        + "\n"
    )


def parse_json(raw: str) -> tuple[Alert, ...]:
    """What `render_json` wrote; `ValueError` when it is anything else."""
    try:
        document = json.loads(raw)
        return tuple(_parse_entry(entry) for entry in document["alerts"])
    except (KeyError, TypeError) as error:
        raise ValueError("alerts.json is not a file of ours") from error


def _parse_entry(entry: dict[str, Any]) -> Alert:
    times = {name: entry.get(name) for name in ("published_at", "corrected_at", "valid_until")}
    kept = {key: value for key, value in entry.items() if key not in {"name", "area", *times}}
    found = {name: datetime.fromisoformat(at) if at else None for name, at in times.items()}
    return Alert(**{**kept, **found, "districts": tuple(entry["districts"])})


def render_html(alerts: Iterable[Alert], now: datetime) -> str:
    """A page without any script, style sheet or image of its own: it stands when nothing else does."""
    entries = standing(alerts, now)
    body = (
        "\n".join(_html_entry(alert) for alert in entries)
        or "<p>いま出ている警報・注意情報はありません。</p>"
    )
    return (
        '<!doctype html>\n<html lang="ja">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<title>緊急のお知らせ</title>\n</head>\n<body>\n<main>\n<h1>緊急のお知らせ</h1>\n"
        f"<p>{_clock(now)} 更新</p>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _html_entry(alert: Alert) -> str:
    """Area, name, title; then when it was issued and corrected, what to do, and until when it holds."""
    lines = [f"<section>\n<h2>{escape(_heading(alert, 'ja'))}</h2>", f"<p>{_issued(alert)}</p>"]
    lines += [f"<p>{escape(text['ja'])}</p>" for text in (alert.summary, alert.what_to_do) if text.get("ja")]
    simple, english = alert.title.get("ja-simple"), alert.title.get("en")
    if simple:
        what = escape(alert.what_to_do.get("ja-simple", ""))
        lines.append(f"<p>やさしい日本語: {escape(_heading(alert, 'ja-simple'))} {what}</p>")
    if english:
        what = escape(alert.what_to_do.get("en", ""))
        lines.append(f'<p lang="en">{escape(_heading(alert, "en"))} {what}</p>')
    if alert.valid_until:
        lines.append(f"<p>{_clock(alert.valid_until)} まで</p>")
    return "\n".join(lines) + "\n</section>"


def _heading(alert: Alert, locale: str) -> str:
    dash = ": " if locale == "en" else "："
    return f"{alert.area[locale]} {alert.name[locale]}{dash}{alert.title.get(locale) or alert.title['ja']}"


def _issued(alert: Alert) -> str:
    issued = f"{_clock(alert.published_at)} 発表"
    return f"{issued}、{_clock(alert.corrected_at)} 訂正" if alert.corrected_at else issued


def _clock(when: datetime) -> str:
    """In the region's time, wherever the moment comes from: the database hands out UTC."""
    when = region_local(when)
    return f"{when.year}年{when.month}月{when.day}日 {when:%H:%M}"


def read_files(directory: Path) -> tuple[Alert, ...]:
    """The alerts of the last write; nothing when there was none or the file is not ours."""
    try:
        return parse_json((directory / JSON_NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return ()


def replace_files(
    directory: Path, change: Callable[[tuple[Alert, ...]], Iterable[Alert]], now: datetime
) -> tuple[Alert, ...]:
    """Writes what `change` makes of the present alerts; a reader sees the old files or the new, never a half."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _locked(directory):
            alerts = standing(change(read_files(directory)), now)
            _write(directory / JSON_NAME, render_json(alerts, now))
            _write(directory / HTML_NAME, render_html(alerts, now))
            return alerts
    except OSError as error:
        raise AlertNotWritten(f"警報のファイルを {directory} に書けませんでした: {error.strerror}") from error


def note_waiting(directory: Path, entry: Mapping[str, Any]) -> None:
    """Keeps an audit entry, one line of JSON, until the database can take it."""
    with _locked(directory), (directory / WAITING_NAME).open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(entry) + "\n")
        handle.flush()
        os.fsync(handle.fileno())


def take_waiting(directory: Path) -> list[dict[str, Any]]:
    """The entries that wait; they are no longer there afterwards."""
    path = directory / WAITING_NAME
    if not path.is_file():
        return []
    with _locked(directory):
        lines = path.read_text(encoding="utf-8").splitlines()
        path.unlink()
    return [json.loads(line) for line in lines]


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with (directory / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _write(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    temporary = Path(handle.name)
    temporary.chmod(0o644)
    temporary.replace(path)
