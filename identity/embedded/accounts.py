"""allauth's one override point and its forms: opaque user names, our own next-rule, labels for people."""
# ruff: noqa: ARG002  (signatures are the libraries')

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ChangePasswordForm as BaseChangePasswordForm
from allauth.account.forms import LoginForm as BaseLoginForm
from allauth.account.forms import ReauthenticateForm as BaseReauthenticateForm
from allauth.account.forms import SignupForm as BaseSignupForm
from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, gettext_lazy

from identity.audit import chain
from identity.domain.names import plain_name
from identity.domain.roles import STAFF_ROLES
from identity.embedded import driver, known_browsers
from identity.embedded.sign_ins import CODE_TIME
from identity.models import Resident, opaque_username


class AccountAdapter(DefaultAccountAdapter):
    """How accounts of the embedded provider differ from allauth's defaults."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": gettext_lazy(
            "ユーザー名（またはメールアドレス）かパスワードが違います。"
        ),
        "email_password_mismatch": gettext_lazy("ユーザー名（またはメールアドレス）かパスワードが違います。"),
        "enter_current_password": gettext_lazy("いまのパスワードが違います。"),
        "incorrect_password": gettext_lazy("パスワードが違います。"),
        "too_many_login_attempts": gettext_lazy(
            "何度も間違えたため、しばらくサインインできません。5分ほど待ってから、もう一度お試しください。"
        ),
    }

    def is_safe_url(self, url: str) -> bool:
        """Only paths of the ID itself: what leads further is checked by the protocol."""
        return bool(url) and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Strangers' wrong passwords make strangers wait; a known browser and an open sign-in have their own count."""
        if request.user.is_authenticated:
            return f"sign-in:{request.session.get(driver.SIGN_IN)}"
        names = [str(credentials[name]) for name in ("username", "email") if credentials.get(name)]
        return known_browsers.counted_as(request, *names)

    def is_ajax(self, request: HttpRequest) -> bool:
        """There are no script clients here."""
        return False

    def populate_username(self, request: HttpRequest, user: Resident) -> None:
        """A name that says nothing of the person."""
        user.username = user.username or opaque_username()

    def new_user(self, request: HttpRequest) -> Resident:
        """Starts in the language of the page."""
        return Resident(locale=get_language() or "ja")

    def save_user(
        self, request: HttpRequest, user: Resident, form: forms.Form, commit: bool = True
    ) -> Resident:
        """Also keeps the name to be greeted by."""
        request.session.pop(driver.REMEMBER, None)
        user.display_name = form.cleaned_data.get("display_name", "")
        user.username = opaque_username()
        made: Resident = super().save_user(request, user, form, commit)
        if commit:
            chain.record("registered", who=made.pk)
        return made

    def login(self, request: HttpRequest, user: Resident) -> None:
        """Each login is a sign-in of its own, with its own `sid` for each client."""
        driver.end_request(request)
        request.session.pop(driver.SIGN_IN, None)
        code_at = request.session.pop(CODE_TIME, None)
        wished = request.session.pop(driver.REMEMBER, False)
        super().login(request, user)
        driver.begin(request, now=timezone.now())
        if code_at is not None:
            request.session[CODE_TIME] = code_at
        if wished and not STAFF_ROLES.intersection(user.roles):
            driver.remember(request)

    def logout(self, request: HttpRequest) -> None:
        """Tells the clients first: afterwards nobody knows which they were."""
        driver.end_request(request)
        super().logout(request)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Without a `next` there is nothing to do at the ID."""
        return f"{settings.PORTAL_URL}/sign-in/"

    get_signup_redirect_url = get_login_redirect_url

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return f"{settings.PORTAL_URL}/"

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """No banners: the next page says by itself what happened."""


def _tidy(form: forms.Form) -> None:
    """No placeholders (they vanish while typing), and errors tied to their field."""
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)


class LoginForm(BaseLoginForm):
    """User name or e-mail address, and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = gettext_lazy("ユーザー名またはメールアドレス")
        self.fields["login"].widget.attrs.update(
            autocomplete="username", autocapitalize="none", spellcheck="false"
        )
        self.fields["password"].label = gettext_lazy("パスワード")
        self.fields["password"].help_text = ""
        self.fields["remember"].label = gettext_lazy("この端末を覚える（自分だけの端末のとき）")
        _tidy(self)

    def clean_login(self) -> str:
        """Full-width letters and composed ones are the same name."""
        return plain_name(self.cleaned_data["login"])

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> Any:
        """The box is for this sign-in; the portal hears of it in its ID token."""
        request.session.pop(CODE_TIME, None)  # of whoever was signed in here before
        known_browsers.note(request, self.cleaned_data["login"])
        request.session[driver.REMEMBER] = bool(self.cleaned_data.get("remember"))
        return super().login(request, redirect_url)


class SignupForm(BaseSignupForm):
    """E-mail address, password, and the name to be greeted by."""

    display_name = forms.CharField(
        label=gettext_lazy("表示する名前（なくてもかまいません）"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    field_order = ["display_name", "email", "password1"]

    def clean_email(self) -> str:
        """Full-width letters are those that were meant."""
        self.cleaned_data["email"] = plain_name(self.cleaned_data["email"])
        return str(super().clean_email())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = gettext_lazy("メールアドレス")
        self.fields["password1"].label = gettext_lazy("パスワード")
        self.fields["password1"].help_text = gettext_lazy("10文字以上にしてください。")
        _tidy(self)


class ChangePasswordForm(BaseChangePasswordForm):
    """The present password and another, once: a browser shows what was typed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        self.fields["oldpassword"].label = gettext_lazy("いまのパスワード")
        self.fields["oldpassword"].help_text = ""
        self.fields["password1"].label = gettext_lazy("新しいパスワード")
        self.fields["password1"].help_text = gettext_lazy("10文字以上にしてください。")
        _tidy(self)


class ReauthenticateForm(BaseReauthenticateForm):
    """The password again, before something that needs a fresh sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = gettext_lazy("パスワード")
        _tidy(self)
