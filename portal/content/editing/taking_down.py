"""What an editor may take down, and what is asked before: why, or where the readers should go instead."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from wagtail.admin import messages
from wagtail.admin.widgets import AdminPageChooser
from wagtail.models import Page

from portal.content.editing.fixed_pages import is_fixed
from portal.content.models import GonePage
from portal.content.pages.moved import path_of

ASKED = "gone_asked"


class GoneForm(forms.ModelForm):  # type: ignore[type-arg]
    """An explanation in Japanese, or a page that takes its place."""

    class Meta:
        model = GonePage
        fields = ("explanation", "explanation_simple", "explanation_en", "target")
        widgets = {"target": AdminPageChooser()}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        target = cleaned.get("target")
        if not cleaned.get("explanation", "").strip() and target is None:
            self.add_error("explanation", _("理由を書くか、代わりのページを選んでください。"))
        if target is not None and not target.live:
            self.add_error("target", _("公開されているページを選んでください。"))
        if target is not None and self.instance.path and path_of(target) == self.instance.path:
            self.add_error("target", _("代わりのページには、別のページを選んでください。"))
        return cleaned


def ask(request: HttpRequest, page: Page, action: str) -> HttpResponse | None:
    """The page with the question; None once it was answered, or when nobody has ever seen the page."""
    refused = refuse_fixed(request, page)
    if refused is not None:
        return refused
    if page.first_published_at is None:
        return None
    before = GonePage.objects.filter(path=path_of(page)).first()
    gone = before or GonePage(path=path_of(page), title=page.title)
    if request.method != "POST" or ASKED not in request.POST:
        return _page(request, page, GoneForm(instance=gone), action, 200)
    form = GoneForm(request.POST, instance=gone)
    if not form.is_valid():
        return _page(request, page, form, action, 422)
    request._gone = form.save(commit=False)  # type: ignore[attr-defined]
    return None


def _page(request: HttpRequest, page: Page, form: GoneForm, action: str, status: int) -> HttpResponse:
    context = {
        "page": page,
        "form": form,
        "action": action,
        "next": request.POST.get("next") or request.GET.get("next", ""),
    }
    return render(request, "content/admin/taking_down.html", context, status=status)


def keep(request: HttpRequest) -> None:
    """Once the page is really down, its reason stands in its place."""
    gone: GonePage | None = getattr(request, "_gone", None)
    if gone is not None:
        gone.save()


def refuse_fixed(request: HttpRequest, page: Page) -> HttpResponse | None:
    """The home and the lists stay where they are."""
    if not is_fixed(page):
        return None
    messages.error(request, _("トップページと一覧は、消したり、下げたり、動かしたり、写したりできません。"))
    parent = page.get_parent()
    return redirect("wagtailadmin_explore", parent.pk if parent else page.pk)


def refuse_bulk(request: HttpRequest, action: str, pages: Any) -> HttpResponse | None:
    """Many at once: never a fixed page, and never one whose readers are owed a reason."""
    if action not in {"delete", "unpublish", "move"}:
        return None
    found = [page for page in pages if isinstance(page, Page)]
    if any(is_fixed(page) for page in found):
        raise PermissionDenied(
            _("トップページと一覧は、消したり、下げたり、動かしたり、写したりできません。")
        )
    if action != "move" and any(page.first_published_at for page in found):
        messages.error(request, _("公開したことのあるページは、理由を書いて、1ページずつ下げてください。"))
        return redirect("wagtailadmin_explore", found[0].get_parent().pk)
    return None
