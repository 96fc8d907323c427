"""Every error of identity: each says to a resident what is wrong, and whether trying again can help.

IdentityError
├── AttributeProblem: UnknownAttribute, UnknownValue, DerivedAttribute
├── AudienceError (names the place in the audience)
├── ConsentProblem: NothingAsked, UnknownItem, UndeclaredItem, UnknownRecipient, UnknownLevel, ProtectedPerson,
│   NotLearntFrom
├── UnknownRole, NotAllowed, NoSuchResident, NoSuchNumber, NotConfirmed, NoSuchClient, NothingToUndo
├── HouseholdProblem: BadName, BadEnd, BadCode, TooManyTries, TooYoung, NoChains, HouseholdFull, AlreadyAsked,
│   NotWaiting, UnknownReason, ProtectedHousehold, ActingEnded
├── LedgerIsAppendOnly, AuditIsAppendOnly (a mistake of the program: an entry of the ledger was to be changed)
├── ProviderProblem: ProviderUnavailable (trying again can help), SignInFailed, AnotherPerson, SyncRefused
├── RealmFileProblem (of `keycloak_sync`)
├── InvalidToken (of the ID: access token or logout token; never shown to a resident)
└── CannotUnseal (a stored secret cannot be opened with the present key)
"""
# ruff: noqa: N818 (the names say what happened, as a sentence would)

from collections.abc import Mapping
from typing import ClassVar

from core.texts import filled, gettext_noop


class IdentityError(Exception):
    """The root: `sentence` says it in the reader's language, `retry` whether doing it again can help.

    `message` is a text of the catalogues with places for `values`; as a string the error is Japanese, for logs.
    """

    message: str = gettext_noop("処理できませんでした。")
    retry: ClassVar[bool] = False

    def __init__(self, message: str = "", **values: object) -> None:
        self.message = message or type(self).message
        self.values: Mapping[str, object] = values
        super().__init__(filled(self.message, values))


class AttributeProblem(IdentityError):
    """An attribute or its value is not in the vocabulary; `key` names the attribute."""

    message = gettext_noop("属性の値が正しくありません。")

    def __init__(self, key: str, message: str = "", **values: object) -> None:
        self.key = key
        super().__init__(message, **values)


class UnknownAttribute(AttributeProblem):
    def __init__(self, key: str) -> None:
        super().__init__(key, gettext_noop("「%(name)s」という属性はありません。"), name=key)


class UnknownValue(AttributeProblem):
    """The attribute is known, the value is not."""


class DerivedAttribute(AttributeProblem):
    """The value follows from another attribute and cannot be set by itself."""


class AudienceError(IdentityError):
    """An audience is not well formed; `place` says where (a JSON Pointer)."""

    message = gettext_noop("対象の書き方が正しくありません。")

    def __init__(self, place: str, message: str, **values: object) -> None:
        self.place = place
        super().__init__(message, **values)

    def __str__(self) -> str:
        return f"{self.place}: {super().__str__()}" if self.place else super().__str__()


class ConsentProblem(IdentityError):
    """A decision cannot be written to the ledger as it was sent."""

    message = gettext_noop("同意を記録できませんでした。")


class NothingAsked(ConsentProblem):
    message = gettext_noop("同意する項目がありません。")


class UnknownItem(ConsentProblem):
    def __init__(self, item: str) -> None:
        self.item = item
        super().__init__(gettext_noop("「%(item)s」という項目はありません。"), item=item)


class UndeclaredItem(ConsentProblem):
    def __init__(self, item: str) -> None:
        self.item = item
        super().__init__(gettext_noop("「%(item)s」は、この提供先が求めていない項目です。"), item=item)


class UnknownRecipient(ConsentProblem):
    message = gettext_noop("この提供先は登録されていません。")


class UnknownLevel(ConsentProblem):
    message = gettext_noop("識別の段階が正しくありません。")


class ProtectedPerson(ConsentProblem):
    message = gettext_noop(
        "提供者には何も伝えない設定になっています。変えるときは、市の窓口へご相談ください。"
    )


class NotLearntFrom(ConsentProblem):
    """Learning from behaviour cannot be allowed for this person, by whoever asked or at this time."""

    message = gettext_noop("17歳以下の方の操作からは学習しません。")


class NoSuchNumber(IdentityError):
    message = gettext_noop("この番号の方は見つかりません。番号をもう一度お確かめください。")


class NotConfirmed(IdentityError):
    message = gettext_noop("確認がすべて済んでいません。")


class NoLiftAsked(IdentityError):
    """A protection was to be lifted, and no other operator has asked for it in the last days."""

    message = gettext_noop("解除の申請がありません。先に、ほかの運用者が申請します。")


class SamePerson(IdentityError):
    """The second of two people was the first one again."""

    message = gettext_noop("申請した方は、確定できません。ほかの運用者が確定します。")


class UnknownRole(IdentityError):
    message = gettext_noop("その役割はありません。")


class NotAllowed(IdentityError):
    message = gettext_noop("この操作をする権限がありません。")


class NoSuchResident(IdentityError):
    message = gettext_noop("利用者が見つかりません。")


class NoSuchClient(IdentityError):
    message = gettext_noop("この提供先には、ログインの登録がありません。")


class NothingToUndo(IdentityError):
    message = gettext_noop("削除がもう始まっているか、取り消されています。")


class HouseholdProblem(IdentityError):
    """Somebody cannot act for somebody else in the way that was asked."""

    message = gettext_noop("家族の設定を変えられませんでした。")


class BadName(HouseholdProblem):
    message = gettext_noop("呼び名を、50文字までで入れてください。")


class BadEnd(HouseholdProblem):
    message = gettext_noop("終わりの日は、明日から、いま生まれた人が18歳になる日までの間でえらんでください。")


class BadCode(HouseholdProblem):
    """The same for every code that cannot be used, so that trying codes tells nothing."""

    message = gettext_noop("この番号は使えません。番号が正しいか、24時間以内のものか、お確かめください。")


class TooManyTries(HouseholdProblem):
    message = gettext_noop(
        "番号のまちがいが続いたため、しばらく入れられません。1時間ほどしてから、もう一度お試しください。"
    )
    retry = True


class TooYoung(HouseholdProblem):
    message = gettext_noop("18歳になっていない方は、ほかの人の代わりになれません。")


class NoChains(HouseholdProblem):
    message = gettext_noop("だれかに代わってもらっている方は、ほかの人の代わりになれません。")


class HouseholdFull(HouseholdProblem):
    message = gettext_noop(
        "これ以上は加えられません。代わりになれるのは1人につき2人まで、1人が代われるのは12人までです。"
    )


class AlreadyAsked(HouseholdProblem):
    message = gettext_noop("この方については、もう登録しているか、申し込みを受け付けています。")


class NotWaiting(HouseholdProblem):
    message = gettext_noop("この申し込みは、もう決まったか、終わっています。")


class UnknownReason(HouseholdProblem):
    message = gettext_noop("理由を一覧からえらんでください。")


class ProtectedHousehold(HouseholdProblem):
    message = gettext_noop("この画面からは変えられません。市の窓口にご相談ください。")


class ActingEnded(HouseholdProblem):
    """The session was to act for a ward and no longer may; whatever the form asked for was not done."""

    message = gettext_noop("この方の代わりに見ることは終わりました。何も変えていません。")


class LedgerIsAppendOnly(IdentityError):
    message = gettext_noop("同意の記録は、書きかえたり消したりできません。")


class AuditIsAppendOnly(IdentityError):
    message = gettext_noop("監査の記録は、書きかえたり消したりできません。")


class CannotUnseal(IdentityError):
    message = gettext_noop("保存した秘密を開けません。")


class ProviderProblem(IdentityError):
    """The regional ID could not do what was asked of it."""

    message = gettext_noop("地域IDで処理できませんでした。")


class ProviderUnavailable(ProviderProblem):
    """No answer within a second, or not a sensible one."""

    message = gettext_noop("いまサインインできません。しばらくしてから、もう一度お試しください。")
    retry = True


class SignInFailed(ProviderProblem):
    """The answer of the ID does not belong to this browser's attempt, or does not hold."""

    message = gettext_noop("サインインを確認できませんでした。もう一度、はじめからお試しください。")
    retry = True


class AnotherPerson(ProviderProblem):
    """Who was to prove who they are came back as somebody else; the session is ended."""

    message = gettext_noop("はじめとは別の地域IDで確かめられました。安全のため、サインアウトしました。")


class SecondFactorMissing(ProviderProblem):
    """A desk asked for a second factor, and the ID answered without one."""

    message = gettext_noop("市の仕事に使う画面には、もう一つの確認が必要です。")


class SyncRefused(ProviderProblem):
    """Keycloak refused what `keycloak_sync` asked: the secret, a right or a value; for an operator."""

    message = gettext_noop("Keycloakが断りました。")


class RealmFileProblem(IdentityError):
    """The file that a Keycloak is to match cannot be used; for an operator."""

    message = gettext_noop("レルムのファイルを使えません。")


class InvalidToken(IdentityError):
    """A token that claims to come from the regional ID does not hold; the message says why, for logs and callers."""

    message = "token is not valid"
