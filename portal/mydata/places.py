"""The ID's own places: where a resident changes the password or a second way to sign in, as far as this ID has them."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _

from identity import idp


@dataclass(frozen=True, slots=True)
class Place:
    """Something to do at the ID, and the way there and back."""

    label: str
    url: str


def of_the_id(*, back: str) -> tuple[Place, ...]:
    """Only what this ID can do; asks it nothing."""
    provider = idp.provider()
    labels = {
        idp.PASSWORD: _("パスワードを変える"),
        idp.TOTP: _("認証アプリの番号（ワンタイムコード）を使う"),
        idp.PASSKEYS: _("パスキー（指紋や顔でのサインイン）を加える"),
    }
    found = (
        (label, provider.action_url(kind, next_path=back))
        for kind, label in labels.items()
        if kind in provider.capabilities
    )
    return tuple(Place(label, url) for label, url in found if url)


def done(request: HttpRequest) -> str:
    """What became of something that was done at the ID just now; "" when nothing was."""
    return {
        "success": _("地域IDの設定を変えました。"),
        "cancelled": _("地域IDの設定は変えていません。"),
        "error": _("地域IDの設定を変えられませんでした。もう一度お試しください。"),
    }.get(request.GET.get("kc_action_status", ""), "")


def region_name(alias: str) -> str:
    """The neighbouring region as it is called; one that has no name here keeps its alias."""
    return {"neighbour": _("となりの地域")}.get(alias, alias)
