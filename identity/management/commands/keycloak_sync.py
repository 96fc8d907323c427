"""Makes a running Keycloak match deploy/keycloak/realm.json, or says where it differs."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from identity.errors import IdentityError
from identity.keycloak import sync, sync_account
from identity.keycloak.admin_api import Api, Connection


class Command(BaseCommand):
    """Exit status: 0 nothing differs (any more), 1 `--dry-run` found differences, 2 it could not be done."""

    requires_system_checks: list[str] = []  # it must run where the portal itself cannot
    help = (
        "動いているKeycloakを deploy/keycloak/realm.json に合わせます。--dry-run は違いを表示するだけです。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="何も変えず、違いを表示します")
        parser.add_argument("--file", type=Path, default=sync.FILE, help="合わせる先のファイル")
        parser.add_argument(
            "--make-account",
            action="store_true",
            help="このコマンドのためのアカウントを、Keycloakの管理者の権限で作ります",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            if options["make_account"]:
                self._make_account()
                return
            file = sync.wanted(options["file"])
            changes = sync.drift(file) if options["dry_run"] else sync.sync(file)
        except IdentityError as error:
            raise CommandError(str(error), returncode=2) from error
        for change in changes:
            self.stdout.write(str(change))
        if not changes:
            self.stdout.write("違いはありません。")
        elif options["dry_run"]:
            self.stdout.write(f"違いは {len(changes)} 件です。何も変えていません。")
            sys.exit(1)
        else:
            self.stdout.write(f"{len(changes)} 件を合わせました。")

    def _make_account(self) -> None:
        if not settings.KEYCLOAK_BOOTSTRAP_CLIENT_SECRET or not settings.KEYCLOAK_SYNC_CLIENT_SECRET:
            raise CommandError(
                "KEYCLOAK_BOOTSTRAP_CLIENT_SECRET と KEYCLOAK_SYNC_CLIENT_SECRET を設定してください。",
                returncode=2,
            )
        administrator = Connection(
            client_id=settings.KEYCLOAK_BOOTSTRAP_CLIENT_ID,
            secret=settings.KEYCLOAK_BOOTSTRAP_CLIENT_SECRET,
            account_realm=sync_account.REALM,
            timeout=30,
        )
        sync_account.ensure(
            Api(administrator, realm=sync_account.REALM).call,
            realm=settings.KEYCLOAK_REALM,
            client_id=settings.KEYCLOAK_SYNC_CLIENT_ID,
            secret=settings.KEYCLOAK_SYNC_CLIENT_SECRET,
        )
        self.stdout.write(f"アカウント {settings.KEYCLOAK_SYNC_CLIENT_ID} を作りました。")
