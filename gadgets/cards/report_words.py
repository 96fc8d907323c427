"""Why a resident may report a card, in words; in the order of the form."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

REASONS: "Mapping[str, _StrPromise]" = {
    "pretends": gettext_lazy("市や、ほかの組織のふりをしている"),
    "alarms": gettext_lazy("うその警報や、こわがらせる内容がある"),
    "asks": gettext_lazy("パスワードやお金など、求めるべきでないものを求めている"),
    "wrong": gettext_lazy("まちがった内容、古い内容がある"),
    "other": gettext_lazy("そのほかのこと"),
}
