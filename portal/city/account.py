"""An editor's own settings in the admin: language, time zone, looks, notices; the name is the regional ID's."""

from typing import Any

from django.utils.decorators import method_decorator
from wagtail.admin.auth import require_admin_access
from wagtail.admin.views.account import AccountView, AvatarSettingsPanel, NameEmailSettingsPanel


@method_decorator(require_admin_access, name="dispatch")
class DeskAccountView(AccountView):
    """Wagtail's page without its form of names, which would save nothing and without which no language is saved."""

    def get_panels(self) -> list[Any]:
        unused = (NameEmailSettingsPanel, AvatarSettingsPanel)
        return [panel for panel in super().get_panels() if not isinstance(panel, unused)]
