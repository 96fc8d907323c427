"""The question whether the portal may learn from what somebody opens on the list: its own yes, its own no."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from core.sentences import sentence
from identity import actions
from identity.domain import consent
from identity.errors import ConsentProblem
from identity.queries import Bundle
from portal.mydata import prompt
from portal.mydata.access import actor_of

# Said by the ledger; marked here to be translated.
PAUSED = gettext_noop("学習を何度か止めたため、しばらく（30日まで）は許可できません。")
CHOICES = {"learn": True, "learn_not": False}
"""What the section's two buttons send as `choice`."""


def context(bundle: Bundle, *, problem: str = "", status: int = HTTPStatus.OK) -> dict[str, Any]:
    """What the section needs, which stands on the page of the personalised order."""
    return {
        "problem": problem,
        "changed": status == HTTPStatus.CONFLICT,
        "why_not": why_not(bundle),
        "holds": consent.LEARNING in bundle.grants,
        "shown": prompt.learning_notice(get_language() or "ja").sha256,
        **prompt.TIMES,
    }


def why_not(bundle: Bundle) -> str:
    """Why nothing is asked, in a sentence; empty where it is."""
    if bundle.protected:
        return _("あなたの情報は守られています。学習には使いません。")
    if bundle.by is not None:
        return _("ほかの人の代わりに、学習を許可することはできません。")
    if not consent.learns_from(bundle.attributes):
        return _("17歳以下の方の操作からは学習しません。")
    if not bundle.personalised:
        return _("学習は、おすすめの並べかえを使っているときだけ許可できます。")
    return ""


def decide(request: HttpRequest, bundle: Bundle) -> tuple[int, str]:
    """Writes the yes or the no down; what was kept is deleted with a no. A status, and why it was not done."""
    yes, notice = CHOICES[request.POST["choice"]], prompt.learning_notice(get_language() or "ja")
    if request.POST.get("shown") != notice.sha256:
        return HTTPStatus.CONFLICT, ""
    write = actions.opt_in_learning if yes else actions.refuse_learning
    try:
        write(resident_id=bundle.id, notice=notice, controller=prompt.controller(), by=actor_of(bundle))
    except ConsentProblem as error:
        return HTTPStatus.BAD_REQUEST, sentence(error)
    if yes:
        messages.success(request, _("学習を許可しました。いつでも止められます。"))
    else:
        messages.success(request, _("学習はしません。残っていた記録は消しました。"))
    return HTTPStatus.OK, ""
