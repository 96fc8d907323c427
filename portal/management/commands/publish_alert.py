"""Publishes an alert from a terminal; `--static-only` needs no database, for the hour in which it is down."""

import hashlib
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from identity.domain.attributes import DISTRICTS
from identity.domain.roles import SYSTEM
from portal.alerts import alert_files, alert_names
from portal.content import actions
from portal.content.errors import ContentError

KINDS = alert_names.KINDS


class Command(BaseCommand):
    """Writes the alert as a page and as static files, or as static files alone."""

    help = "緊急のお知らせを出します。--static-only はデータベースを使わず、静的ファイルだけを書きます。"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--title", help="題名（日本語）")
        parser.add_argument("--title-en", default="")
        parser.add_argument("--title-simple", default="", help="題名（やさしい日本語）")
        parser.add_argument("--what-to-do", default="", help="とるべき行動")
        parser.add_argument("--what-to-do-en", default="")
        parser.add_argument("--what-to-do-simple", default="")
        parser.add_argument("--level", type=int, choices=range(1, 6), help="警戒レベル")
        parser.add_argument("--kind", choices=KINDS, help="種類")
        parser.add_argument("--district", action="append", default=[], help="地区のコード（くり返せます）")
        parser.add_argument("--whole-city", action="store_true", help="市内全域")
        parser.add_argument("--hours", type=int, help="何時間後まで有効か（1 から 336）")
        parser.add_argument("--not-urgent", action="store_true", help="緊急としない")
        parser.add_argument("--static-only", action="store_true", help="静的ファイルだけを書く")
        parser.add_argument("--withdraw", metavar="ID", help="静的ファイルだけのお知らせを取り下げる")

    def handle(self, *_args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            if options["withdraw"]:
                if not actions.withdraw_static_alert(alert_id=options["withdraw"], by=SYSTEM, now=now):
                    raise CommandError(f"{options['withdraw']} という静的なお知らせはありません。")
                self.stdout.write(f"取り下げました: {options['withdraw']}")
                return
            alert = _alert(options, now)
            if options["static_only"]:
                actions.publish_static_alert(alert=alert, by=SYSTEM, now=now)
            else:
                actions.publish_alert(alert=alert, by=SYSTEM, now=now)
        except ContentError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"出しました: {alert.id} {alert.area['ja']} {alert.name['ja']} {alert.title['ja']}")


def _alert(options: dict[str, Any], now: Any) -> alert_files.Alert:
    if not options["title"]:
        raise CommandError("--title を指定してください。")
    for name in ("kind", "level", "what_to_do", "hours"):
        if options[name] in (None, ""):
            raise CommandError(f"--{name.replace('_', '-')} を指定してください。")
    if options["whole_city"] == bool(options["district"]):
        raise CommandError("--whole-city か --district の、どちらか一方を指定してください。")
    if options["level"] not in alert_names.levels(options["kind"]):
        held = "、".join(map(str, alert_names.levels(options["kind"])))
        raise CommandError(f"この種類の --level は {held} だけです。")
    if not 1 <= options["hours"] <= 24 * 14:
        raise CommandError("--hours は 1 から 336 までです。")
    unknown = [code for code in options["district"] if code not in DISTRICTS]
    if unknown:
        raise CommandError(f"この地区はありません: {'、'.join(unknown)}")
    return alert_files.Alert(
        id="s-" + hashlib.sha256(f"{options['title']}{now.isoformat()}".encode()).hexdigest()[:10],
        level=options["level"],
        kind=options["kind"],
        urgent=not options["not_urgent"],
        title=_texts(options, "title"),
        summary={"ja": ""},
        what_to_do=_texts(options, "what_to_do"),
        districts=tuple(options["district"]),
        published_at=now,
        valid_until=now + timedelta(hours=options["hours"]),
        origin="static",
    )


def _texts(options: dict[str, Any], name: str) -> dict[str, str]:
    found = {"ja": options[name], "en": options[f"{name}_en"], "ja-simple": options[f"{name}_simple"]}
    return {locale: text for locale, text in found.items() if text or locale == "ja"}
