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

from typing import ClassVar


class IdentityError(Exception):
    """The root: `message` may be shown to a resident, `retry` says whether doing it again can help."""

    default: ClassVar[str] = "処理できませんでした。"
    retry: ClassVar[bool] = False

    def __init__(self, message: str = "") -> None:
        self.message = message or self.default
        super().__init__(self.message)


class AttributeProblem(IdentityError):
    """An attribute or its value is not in the vocabulary; `key` names the attribute."""

    default = "属性の値が正しくありません。"

    def __init__(self, key: str, message: str = "") -> None:
        self.key = key
        super().__init__(message)


class UnknownAttribute(AttributeProblem):
    def __init__(self, key: str) -> None:
        super().__init__(key, f"「{key}」という属性はありません。")


class UnknownValue(AttributeProblem):
    """The attribute is known, the value is not."""


class DerivedAttribute(AttributeProblem):
    """The value follows from another attribute and cannot be set by itself."""


class AudienceError(IdentityError):
    """An audience is not well formed; `place` says where (a JSON Pointer)."""

    default = "対象の書き方が正しくありません。"

    def __init__(self, place: str, message: str) -> None:
        self.place = place
        super().__init__(f"{place}: {message}" if place else message)


class ConsentProblem(IdentityError):
    """A decision cannot be written to the ledger as it was sent."""

    default = "同意を記録できませんでした。"


class NothingAsked(ConsentProblem):
    default = "同意する項目がありません。"


class UnknownItem(ConsentProblem):
    def __init__(self, item: str) -> None:
        self.item = item
        super().__init__(f"「{item}」という項目はありません。")


class UndeclaredItem(ConsentProblem):
    def __init__(self, item: str) -> None:
        self.item = item
        super().__init__(f"「{item}」は、この提供先が求めていない項目です。")


class UnknownRecipient(ConsentProblem):
    default = "この提供先は登録されていません。"


class UnknownLevel(ConsentProblem):
    default = "識別の段階が正しくありません。"


class ProtectedPerson(ConsentProblem):
    default = "提供者には何も伝えない設定になっています。変えるときは、市の窓口へご相談ください。"


class NotLearntFrom(ConsentProblem):
    """Learning from behaviour cannot be allowed for this person, by whoever asked or at this time."""

    default = "17歳以下の方の操作からは学習しません。"


class NoSuchNumber(IdentityError):
    default = "この番号の方は見つかりません。番号をもう一度お確かめください。"


class NotConfirmed(IdentityError):
    default = "確認がすべて済んでいません。"


class NoLiftAsked(IdentityError):
    """A protection was to be lifted, and no other operator has asked for it in the last days."""

    default = "解除の申請がありません。先に、ほかの運用者が申請します。"


class SamePerson(IdentityError):
    """The second of two people was the first one again."""

    default = "申請した方は、確定できません。ほかの運用者が確定します。"


class UnknownRole(IdentityError):
    default = "その役割はありません。"


class NotAllowed(IdentityError):
    default = "この操作をする権限がありません。"


class NoSuchResident(IdentityError):
    default = "利用者が見つかりません。"


class NoSuchClient(IdentityError):
    default = "この提供先には、ログインの登録がありません。"


class NothingToUndo(IdentityError):
    default = "削除がもう始まっているか、取り消されています。"


class HouseholdProblem(IdentityError):
    """Somebody cannot act for somebody else in the way that was asked."""

    default = "家族の設定を変えられませんでした。"


class BadName(HouseholdProblem):
    default = "呼び名を、50文字までで入れてください。"


class BadEnd(HouseholdProblem):
    default = "終わりの日は、明日から、いま生まれた人が18歳になる日までの間でえらんでください。"


class BadCode(HouseholdProblem):
    """The same for every code that cannot be used, so that trying codes tells nothing."""

    default = "この番号は使えません。番号が正しいか、24時間以内のものか、お確かめください。"


class TooManyTries(HouseholdProblem):
    default = (
        "番号のまちがいが続いたため、しばらく入れられません。1時間ほどしてから、もう一度お試しください。"
    )
    retry = True


class TooYoung(HouseholdProblem):
    default = "18歳になっていない方は、ほかの人の代わりになれません。"


class NoChains(HouseholdProblem):
    default = "だれかに代わってもらっている方は、ほかの人の代わりになれません。"


class HouseholdFull(HouseholdProblem):
    default = "これ以上は加えられません。代わりになれるのは1人につき2人まで、1人が代われるのは12人までです。"


class AlreadyAsked(HouseholdProblem):
    default = "この方については、もう登録しているか、申し込みを受け付けています。"


class NotWaiting(HouseholdProblem):
    default = "この申し込みは、もう決まったか、終わっています。"


class UnknownReason(HouseholdProblem):
    default = "理由を一覧からえらんでください。"


class ProtectedHousehold(HouseholdProblem):
    default = "この画面からは変えられません。市の窓口にご相談ください。"


class ActingEnded(HouseholdProblem):
    """The session was to act for a ward and no longer may; whatever the form asked for was not done."""

    default = "この方の代わりに見ることは終わりました。何も変えていません。"


class LedgerIsAppendOnly(IdentityError):
    default = "同意の記録は、書きかえたり消したりできません。"


class AuditIsAppendOnly(IdentityError):
    default = "監査の記録は、書きかえたり消したりできません。"


class CannotUnseal(IdentityError):
    default = "保存した秘密を開けません。"


class ProviderProblem(IdentityError):
    """The regional ID could not do what was asked of it."""

    default = "地域IDで処理できませんでした。"


class ProviderUnavailable(ProviderProblem):
    """No answer within a second, or not a sensible one."""

    default = "いまサインインできません。しばらくしてから、もう一度お試しください。"
    retry = True


class SignInFailed(ProviderProblem):
    """The answer of the ID does not belong to this browser's attempt, or does not hold."""

    default = "サインインを確認できませんでした。もう一度、はじめからお試しください。"
    retry = True


class AnotherPerson(ProviderProblem):
    """Who was to prove who they are came back as somebody else; the session is ended."""

    default = "はじめとは別の地域IDで確かめられました。安全のため、サインアウトしました。"


class SecondFactorMissing(ProviderProblem):
    """A desk asked for a second factor, and the ID answered without one."""

    default = "市の仕事に使う画面には、もう一つの確認が必要です。"


class SyncRefused(ProviderProblem):
    """Keycloak refused what `keycloak_sync` asked: the secret, a right or a value; for an operator."""

    default = "Keycloakが断りました。"


class RealmFileProblem(IdentityError):
    """The file that a Keycloak is to match cannot be used; for an operator."""

    default = "レルムのファイルを使えません。"


class InvalidToken(IdentityError):
    """A token that claims to come from the regional ID does not hold; the message says why, for logs and callers."""

    default = "token is not valid"
