"""The form by which editors upload pictures: none goes without the text that stands for it."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail.images.forms import BaseImageForm


class ImageForm(BaseImageForm):
    """Wagtail's form; the description is what somebody gets who does not see the picture."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "description" in self.fields:
            self.fields["description"].required = True
            self.fields["description"].label = _("代わりの文")
            self.fields["description"].help_text = _("画像が見えない人に、何が写っているかを伝えます。")
