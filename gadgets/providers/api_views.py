"""`/api/provider/`: a provider's tools register a manifest, hand it in and ask how it stands, with a key of the console.

Answers are JSON; a refusal is a problem document (RFC 9457) with `code`, `place` and `remedy`. No cookie is read and
none is set: the bearer key alone says who calls, so no other page's form can call for anybody.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from core.sentences import sentence
from core.texts import Texts
from gadgets import actions, queries
from gadgets.errors import (
    DoorError,
    GadgetError,
    KeyRefusedError,
    LifeError,
    ManifestError,
    NoSuchGadgetError,
    NotPermittedError,
    NotYoursError,
    SchemaError,
    TooManyCallsError,
    TooOftenError,
)
from gadgets.protocol.wire import loads
from gadgets.providers import api_keys
from gadgets.providers.api_keys import Holder
from gadgets.queries import GadgetView, RunView
from gadgets.web import retry_after

PROBLEM = "application/problem+json"
BODY_DEPTH = 3
BODY_BYTES = 4096

P = ParamSpec("P")
Body = Mapping[str, Any]
ApiView = Callable[Concatenate[HttpRequest, Holder, P], HttpResponse]


class _BadCallError(LifeError):
    """The call itself is wrong, before anything of a gadget was looked at."""

    def __init__(self, status: HTTPStatus, code: str, message: str, remedy: str, place: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.remedy, self.place = status, code, remedy, place


def _status(error: GadgetError) -> HTTPStatus:
    for kinds, status in (
        ((KeyRefusedError,), HTTPStatus.UNAUTHORIZED),
        ((NotPermittedError, NotYoursError), HTTPStatus.FORBIDDEN),
        ((NoSuchGadgetError,), HTTPStatus.NOT_FOUND),
        ((TooManyCallsError, TooOftenError), HTTPStatus.TOO_MANY_REQUESTS),
        ((SchemaError, DoorError), HTTPStatus.UNPROCESSABLE_ENTITY),
    ):
        if isinstance(error, kinds):
            return status
    return error.status if isinstance(error, _BadCallError) else HTTPStatus.CONFLICT


def _pick(texts: Texts) -> str:
    return texts.get(translation.get_language() or "ja") or texts["ja"]


def _remedy(error: GadgetError) -> str:
    """What to do next; for a step in a gadget's life the sentence itself says it."""
    if isinstance(error, _BadCallError):
        return _(error.remedy)
    if isinstance(error, DoorError):
        return _("誰でも到達できる https のアドレスで、転送せずに、すぐに答えてください。")
    if isinstance(error, KeyRefusedError):
        return _("提供者の窓口の「メンバー・お知らせ・鍵」で、新しい鍵を作ってください。")
    if error.retry:
        return _("しばらく待ってから、もう一度お試しください。")
    return _("提供者のページで、サービスの状態を確かめてください。")


def _problem(error: GadgetError) -> HttpResponse:
    """The refusal as RFC 9457 has it; `problems` holds each broken rule of a manifest."""
    status = _status(error)
    found = (
        [
            {"place": problem.path, "detail": _pick(problem.message), "remedy": _pick(problem.remedy)}
            for problem in error.problems
        ]
        if isinstance(error, SchemaError)
        else []
    )
    detail, place, remedy = sentence(error), "", _remedy(error)
    if found:
        detail, place, remedy = found[0]["detail"], found[0]["place"], found[0]["remedy"]
    elif isinstance(error, DoorError):
        english = translation.get_language() == "en"
        detail, place = (error.detail if english else error.detail_ja), error.url
    elif isinstance(error, _BadCallError):
        place = error.place
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "code": error.code,
        "detail": detail,
        "place": place,
        "remedy": remedy,
    }
    answer = JsonResponse(
        document | ({"problems": found} if found else {}),
        status=status.value,
        content_type=PROBLEM,
        json_dumps_params={"ensure_ascii": False},
    )
    if status == HTTPStatus.UNAUTHORIZED:
        answer["WWW-Authenticate"] = 'Bearer realm="provider"'
    return retry_after(answer, error.seconds)


def _key(request: HttpRequest) -> str:
    scheme, _space, raw = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not raw.strip():
        raise KeyRefusedError
    return raw.strip()


def _api(method: str) -> Callable[[ApiView[P]], Callable[Concatenate[HttpRequest, P], HttpResponse]]:
    """One method, a key, the caller's language, and every refusal as a problem document."""

    def decorate(view: ApiView[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            with translation.override(translation.get_language_from_request(request)):
                try:
                    holder = api_keys.authenticate(_key(request), now=timezone.now())
                    if request.method != method:
                        raise _BadCallError(
                            HTTPStatus.METHOD_NOT_ALLOWED,
                            "method",
                            gettext_noop("この方法では呼び出せません。"),
                            gettext_noop(
                                "説明（docs/reference/provider-api.md）にある方法で呼び出してください。"
                            ),
                        )
                    answer = view(request, holder, *args, **kwargs)
                except GadgetError as error:
                    answer = _problem(error)
                    if answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
                        answer["Allow"] = method
            answer["Vary"] = "Accept-Language"
            return answer

        return csrf_exempt(never_cache(inner))

    return decorate


def _body(request: HttpRequest) -> Body:
    if request.content_type != "application/json":
        raise _BadCallError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "media_type",
            gettext_noop("本文が JSON ではありません。"),
            gettext_noop("Content-Type を application/json にしてください。"),
        )
    raw = request.read(BODY_BYTES + 1)
    if len(raw) > BODY_BYTES:
        raise _BadCallError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "too_large",
            gettext_noop("本文が大きすぎます。"),
            gettext_noop("アドレスだけを送ってください。マニフェストは、ポータルが取りに行きます。"),
        )
    try:
        document = loads(raw, error=ManifestError, max_bytes=BODY_BYTES, max_depth=BODY_DEPTH)
    except ManifestError:
        document = None
    if not isinstance(document, dict):
        raise _BadCallError(
            HTTPStatus.BAD_REQUEST,
            "not_json",
            gettext_noop("本文を JSON として読めません。"),
            gettext_noop('{"url": "マニフェストのアドレス"} の形で送ってください。'),
            "$",
        )
    return document


def _url(request: HttpRequest) -> str:
    url = _body(request).get("url")
    if not isinstance(url, str) or not url.strip():
        raise _BadCallError(
            HTTPStatus.BAD_REQUEST,
            "url_missing",
            gettext_noop("マニフェストのアドレスがありません。"),
            gettext_noop('{"url": "マニフェストのアドレス"} の形で送ってください。'),
            "$.url",
        )
    return url.strip()


def _mine(holder: Holder, gadget_id: str) -> GadgetView:
    """The gadget, when it is of the key's own organisation; any other is not there."""
    assert holder.actor.id is not None  # noqa: S101  (a key always has a maker)
    view = queries.gadget_for_member(gadget_id, holder.actor.id)
    if view is None or view.provider.id != holder.provider_id:
        raise NoSuchGadgetError(gettext_noop("この組織には、そのサービスがありません。"))
    return view


@_api("POST")
def gadgets(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Registers the manifest at `url`, or a newer one of the same gadget; the checks run behind this call."""
    gadget_id = actions.register(url=_url(request), provider_id=holder.provider_id, by=holder.actor)
    answer = _state(_mine(holder, gadget_id), HTTPStatus.CREATED)
    answer["Location"] = reverse("gadgets_wire:api_gadget", args=[gadget_id])
    return answer


@_api("GET")
def gadget(request: HttpRequest, holder: Holder, gadget_id: str) -> HttpResponse:  # noqa: ARG001
    """Where it stands: state, each check's line with its remedy, and what the reviewer wrote."""
    return _state(_mine(holder, gadget_id))


@_api("POST")
def check(request: HttpRequest, holder: Holder, gadget_id: str) -> HttpResponse:  # noqa: ARG001
    """Runs the checks again, after the provider's program was mended."""
    _mine(holder, gadget_id)
    actions.run_checks(gadget_id=gadget_id, by=holder.actor)
    return _state(_mine(holder, gadget_id), HTTPStatus.ACCEPTED)


@_api("POST")
def submit(request: HttpRequest, holder: Holder, gadget_id: str) -> HttpResponse:  # noqa: ARG001
    """Hands the checked version to the operator."""
    _mine(holder, gadget_id)
    actions.submit(gadget_id=gadget_id, by=holder.actor)
    return _state(_mine(holder, gadget_id))


def _state(view: GadgetView, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    draft, published = view.draft, view.published
    run = draft.run if draft else (published.run if published else None)
    document = {
        "id": view.id,
        "state": view.state,
        "published": published.version if published else None,
        "draft": {"version": draft.version, "state": draft.state} if draft else None,
        "checks": _checks(run) if run else None,
        "thread": [
            {
                "at": note.at.isoformat(timespec="seconds"),
                "version": note.version,
                "decision": note.decision,
                "words": note.reason,
            }
            for note in view.notes
        ],
        "console": reverse("gadgets:provider_gadget", args=[view.id]),
    }
    return JsonResponse(document, status=status.value, json_dumps_params={"ensure_ascii": False})


def _checks(run: RunView) -> dict[str, Any]:
    return {
        "state": run.state,
        "ok": run.ok,
        "lines": [
            {
                "number": line.number,
                "ok": line.ok,
                "title": _pick(line.title),
                "message": _pick(line.message),
                "remedy": _pick(line.remedy) if line.remedy else "",
            }
            for line in run.lines
        ],
    }
