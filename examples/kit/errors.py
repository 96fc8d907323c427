"""Errors of the kit.

KitError
├── TokenError              the request token is not good: 401 (RFC 6750)
├── KeysUnavailableError    the issuer's key set cannot be read now: 503
├── SignInError             the sign-in cannot be finished: 400
│   └── IdUnavailableError  the regional ID cannot be reached now: 503
├── LogoutTokenError        the back-channel logout token is not good: 400
└── BadRequestError         the request itself is not good: 400
"""


class KitError(Exception):
    """Root of the tree; `str(error)` never holds a token or a value of a person."""


class TokenError(KitError):
    """The request token is missing (`code` None) or not good (`code` as in RFC 6750)."""

    def __init__(self, description: str, code: str | None = "invalid_token") -> None:
        super().__init__(description)
        self.description = description
        self.code = code


class KeysUnavailableError(KitError):
    """The issuer's key set cannot be read now; trying again later helps."""


class SignInError(KitError):
    """The sign-in cannot be finished; starting again helps."""


class IdUnavailableError(SignInError):
    """The regional ID cannot be reached now; trying again later helps."""


class LogoutTokenError(KitError):
    """The back-channel logout token is not good."""


class BadRequestError(KitError):
    """The request is not good: too long, not a form, or a forged form."""
