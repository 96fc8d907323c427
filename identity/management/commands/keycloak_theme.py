"""Writes the theme of Keycloak's screens with the names and colours of the region file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.region.current import current_region
from identity.keycloak import theme_files


class Command(BaseCommand):
    """Needs neither database nor Keycloak."""

    help = "地域ファイルの名前と色で、Keycloakの画面のテーマを新しいフォルダーに書きます。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="作るフォルダー。まだないもの。")

    def handle(self, *_args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not theme_files.SOURCE.is_dir():
            raise CommandError(f"{theme_files.SOURCE} がありません。")
        try:
            theme_files.write(current_region(), folder)
        except FileExistsError as error:
            raise CommandError(f"{folder} はもうあります。新しいフォルダーを指定してください。") from error
        except OSError as error:
            raise CommandError(f"{folder} に書けません: {error.strerror}") from error
        self.stdout.write(f"{folder}: {current_region().portal_name['ja']}")
