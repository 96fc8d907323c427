"""The desk for other regions: whose packages are trusted, what they offer, taking one over in one step."""

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from wagtail.admin import messages

from core.forms.form_pages import posts
from gadgets.errors import GadgetError, NoSuchRegionError
from gadgets.federation import packages, regions
from gadgets.protocol import package
from gadgets.web import tell
from identity.forms.sendings import sent_once
from identity.sessions.staff import fresh_proof
from portal.city.views import operator_of


@require_safe
@never_cache
@fresh_proof
def desk(request: HttpRequest) -> HttpResponse:
    """The regions that were added, the form for another one, the form for a package that came as a file."""
    operator_of(request)
    return _desk(request)


def _desk(request: HttpRequest, *, problem: str = "", address: str = "", status: int = 200) -> HttpResponse:
    context = {"regions": regions.known(), "problem": problem, "address": address}
    return render(request, "city/regions.html", context, status=status)


@posts("city_regions")
@never_cache
@fresh_proof
def look(request: HttpRequest) -> HttpResponse:
    """Asks a portal who it is; the operator compares its keys with what the other region says by another way."""
    by = operator_of(request)
    address = request.POST.get("portal", "")
    try:
        seen = regions.look(portal_url=address, by=by)
    except GadgetError as error:
        return _desk(request, problem=tell(error), address=address, status=422)
    known = regions.known(seen.code)
    return render(request, "city/region_confirm.html", {"seen": seen, "known": known[0] if known else None})


@posts("city_regions")
@never_cache
@fresh_proof
@sent_once
def trust(request: HttpRequest) -> HttpResponse:
    """Adds the region with the keys that were on the page before; others are refused."""
    by = operator_of(request)
    address = request.POST.get("portal", "")
    try:
        seen = regions.look(portal_url=address, by=by)
        regions.trust(seen=seen, confirmed=tuple(request.POST.getlist("print")), by=by)
    except GadgetError as error:
        return _desk(request, problem=tell(error), address=address, status=422)
    messages.success(request, _("地域を登録しました。"))
    return HttpResponseRedirect(reverse("city_region", args=[seen.code]))


@posts("city_region")
@fresh_proof
def forget(request: HttpRequest, code: str) -> HttpResponse:
    """Trusts the region no longer."""
    by = operator_of(request)
    try:
        regions.forget(code=code, by=by)
    except NoSuchRegionError as error:
        raise Http404 from error
    messages.success(request, _("地域の登録を消しました。取り込んだサービスは、そのまま残ります。"))
    return HttpResponseRedirect(reverse("city_regions"))


@require_safe
@never_cache
def offers(request: HttpRequest, code: str) -> HttpResponse:
    """What one region offers now, and what of it is here already."""
    by = operator_of(request)
    try:
        region = regions.one(code)
    except NoSuchRegionError as error:
        raise Http404 from error
    context: dict[str, object] = {"region": region, "offers": ()}
    try:
        context["offers"] = regions.offers(code=code, by=by)
    except GadgetError as error:
        context["problem"] = tell(error)
    return render(request, "city/region.html", context, status=422 if "problem" in context else 200)


@posts("city_regions")
@sent_once
def take(request: HttpRequest) -> HttpResponse:
    """Takes over one gadget: from a region's feed (`region`, `gadget`), or from a file (`package`)."""
    by = operator_of(request)
    code, file = request.POST.get("region", ""), request.FILES.get("package")
    try:
        if isinstance(file, UploadedFile):
            raw = file.read(package.MAX_BYTES + 1)
        else:
            raw = packages.fetch(code=code, gadget_id=request.POST.get("gadget", ""), by=by)
        gadget_id = packages.take(raw=raw, by=by)
    except GadgetError as error:
        return _desk(request, problem=tell(error), status=422)
    messages.success(request, _("取り込みました。検査が終わると、審査の待ち行列に入ります。"))
    return HttpResponseRedirect(reverse("city_review_gadget", args=[gadget_id]))
