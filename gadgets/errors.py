"""Errors of gadgets, one tree:

GadgetError
├── SchemaError                   what a provider published breaks a rule; holds every problem found
│   ├── ManifestError
│   ├── CardError
│   │   └── CardNotDrawnError     the card keeps every rule, and drawing it failed all the same
│   ├── PackageError
│   └── EventAnswerError
├── DoorError                     an untrusted URL was refused or did not answer
│   ├── UrlRefusedError           scheme, port, user info, IP literal, host name
│   ├── AddressRefusedError       the name leads to an address that is not public
│   ├── NameNotFoundError         the name does not exist
│   ├── NameLookupError           no name server could say: counted against no provider
│   ├── ConnectError              nobody answers there, or not in time
│   ├── TlsError                  the certificate does not fit the name
│   ├── DeadlineError             the whole answer was not there in time
│   ├── AnswerBrokenError         the connection broke, or the answer is not HTTP
│   ├── RedirectError             3xx: redirects are never followed
│   ├── StatusError               any other status than the expected
│   ├── ContentTypeError          media type or content encoding
│   ├── HeaderRefusedError        a header with a line break or another control character
│   ├── CookieRefusedError        the answer to a card sets a cookie
│   ├── ImageRefusedError         an image of a card is none, broken, too large or too much work
│   └── AnswerTooLargeError       more bytes than allowed, on the wire or unpacked
├── GadgetBusyError               the bulkhead is full
├── BreakerOpenError              the provider failed too often; we wait before asking again
├── MaintenanceError              the provider pauses its service as it announced
├── NoCardError                   the gadget has no card to fetch (kind `link`)
├── CityOsError                   the data of a query could not be had
│   ├── NoCityOsError             no context broker is set
│   ├── BrokerError               the broker did not answer, or not as NGSI-LD says
│   ├── BrokerPausedError         the broker failed too often; we wait before asking again
│   └── NoContractError           no contract that holds covers data which the gadget needs
├── FrameError                    a frame gets no token
│   ├── FrameGoneError            there is no such frame, or not any more
│   ├── FrameChangedError         the page was drawn for another version of the gadget
│   └── TooManyTokensError        the frame asked too often
├── SubmitError                   what a resident filled in was not taken; nothing typed is lost
│   ├── NotGrantedError           nothing is granted (any more): nothing was sent
│   ├── FormGoneError             the card has no such form (any more): nothing was sent
│   ├── FormUnavailableError      the card that holds the form cannot be had: nothing was sent
│   ├── FormChangedError          the form is another one by now: nothing was sent
│   ├── FormRefusedError          the provider said no
│   └── TooManySubmitsError       too many submissions in a short time: nothing was sent
└── LifeError                     a step in a gadget's life or in a resident's layout was refused
    ├── NotPermittedError         the person may not do this
    ├── NotListedError            the origin's /.well-known/region-gadget.json does not list the manifest
    ├── NotYoursError             the domain, the name or the gadget belongs to another organisation
    ├── WrongStateError           the step does not follow from the present state
    ├── NotNewerError             the manifest is the one that we have, or its version does not rise
    ├── ReasonMissingError        a refusal or a suspension must say why
    ├── ContractMissingError      the owner of data that a version needs has not agreed
    ├── InvitationError           an invitation's link is used, over or unknown
    ├── ContactLinkError          a link that proves a contact is over, not ours, or of an older contact
    ├── LastOwnerError            an organisation must keep an owner
    ├── NoSuchRegionError         there is no such region among those that an operator added
    ├── KeysChangedError          a region shows other keys than those that were confirmed
    ├── NotForUsError             a package of another region's gadget that is not for this region
    ├── NoSuchGadgetError         there is no such gadget, or it is not published
    ├── LockedError               the city shows this gadget to everybody: it cannot be hidden
    ├── BadSettingError           a size or setting that the gadget does not have
    ├── KeyRefusedError           the key of a call to /api/provider/ is missing, unknown, expired or taken back
    ├── TooManyCallsError         one key called more than 60 times in a minute
    └── TooOftenError             too many tries in a short time


`message` may be shown to a resident, `retry` says whether trying again can help, `provider_message`
is for the provider and the operator and names the place.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.quoting import escaped
from core.texts import Texts, filled, gettext_noop


class GadgetError(Exception):
    """Root of the tree."""

    code = "gadget"
    message = gettext_noop("サービスの情報を表示できません。")
    retry = False
    seconds = 0
    """After so many seconds trying again can help (`Retry-After`); 0 where nobody can know."""
    values: Mapping[str, object] = {}
    """What stands in the places of `message`; `core.sentences` puts it there, in the reader's language."""

    @property
    def provider_message(self) -> str:
        return str(self) or self.message


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: where (`$.blocks[2].text`), what is wrong, and how to put it right; ja and en."""

    path: str
    message: Texts
    remedy: Texts

    def __post_init__(self) -> None:
        """A problem quotes what was sent: all of it passes through here."""
        object.__setattr__(self, "path", escaped(self.path))
        for name in ("message", "remedy"):
            texts = {language: escaped(text) for language, text in getattr(self, name).items()}
            object.__setattr__(self, name, texts)

    def in_words(self, locale: str = "ja") -> str:
        def pick(texts: Texts) -> str:
            return texts.get(locale) or texts["ja"]

        return f"{self.path}: {pick(self.message)} {pick(self.remedy)}"


class SchemaError(GadgetError):
    """What a provider published breaks a rule. `path`, `message` and `remedy` are those of the first problem."""

    code = "invalid"

    def __init__(self, *problems: Problem) -> None:
        if not problems:
            raise ValueError("an error needs at least one problem")
        self.problems = problems
        self.path = problems[0].path
        self.remedy = problems[0].remedy["ja"]
        self.detail = problems[0].message["ja"]
        super().__init__(problems[0].in_words("en"))

    @property
    def provider_message(self) -> str:
        return self.in_words("ja")

    def in_words(self, locale: str = "ja") -> str:
        """Every problem on a line of its own."""
        return "\n".join(problem.in_words(locale) for problem in self.problems)


class ManifestError(SchemaError):
    """The manifest cannot be accepted; `message` is what the provider reads."""

    code = "manifest"

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.message = self.detail


class CardError(SchemaError):
    """The card cannot be shown; `detail` is what the provider reads, `message` what a resident reads."""

    code = "card"
    message = gettext_noop("提供元から届いた内容に誤りがあるため、表示していません。")


class CardNotDrawnError(CardError):
    """A card on which our own code broke: a fault of that gadget, so that no page and no sweep dies of it.

    `place` is for the log: the class of the error, and the file and line that raised it; no value of the card.
    """

    code = "card_not_drawn"

    def __init__(self, place: str) -> None:
        self.place = place
        super().__init__(
            Problem(
                "$",
                {
                    "ja": f"決まりどおりですが、ポータルが表示できませんでした（{place}）。",
                    "en": f"keeps the rules, but the portal could not draw it ({place}).",
                },
                {
                    "ja": "極端な値（時刻・数・長さ）がないか確かめ、このカードを窓口の運営に知らせてください。",
                    "en": "See whether a time, a number or a length is extreme, and report this card to the portal.",
                },
            )
        )


class PackageError(SchemaError):
    """A package of another region cannot be taken over; `message` is what the operator reads."""

    code = "package"

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.message = self.detail


class EventAnswerError(SchemaError):
    """The provider's answer to an event cannot be read; the event counts as not answered."""

    code = "event_answer"
    message = gettext_noop("提供元からの返事を読み取れませんでした。")


class DoorError(GadgetError):
    """An untrusted URL was refused or did not answer. `sent`: whether the request may have left."""

    code = "door"
    message = gettext_noop("提供元の情報を取得できませんでした。")
    retry = True
    sent = False

    def __init__(self, url: str, detail: str, detail_ja: str = "") -> None:
        self.url = escaped(url)
        self.detail = escaped(detail)
        self.detail_ja = escaped(detail_ja) or self.detail
        super().__init__(f"{self.url}: {self.detail}")

    @property
    def provider_message(self) -> str:
        return f"{self.url}: {self.detail_ja}"


class UrlRefusedError(DoorError):
    code = "url_refused"
    message = gettext_noop("この提供元のアドレスは使えません。")
    retry = False


class AddressRefusedError(DoorError):
    code = "address_refused"
    message = gettext_noop("この提供元のアドレスは使えません。")
    retry = False


class NameNotFoundError(DoorError):
    code = "name_not_found"


class NameLookupError(DoorError):
    """No name server answered. This may be the city's network as well, so no breaker and no figure counts it."""

    code = "name_lookup_failed"


class ConnectError(DoorError):
    code = "connect_failed"


class TlsError(DoorError):
    code = "tls_failed"


class DeadlineError(DoorError):
    code = "deadline_passed"
    message = gettext_noop("提供元の応答に時間がかかっています。")
    sent = True


class AnswerBrokenError(DoorError):
    code = "answer_broken"
    sent = True


class RedirectError(DoorError):
    code = "redirect_refused"
    sent = True


class StatusError(DoorError):
    code = "bad_status"
    sent = True

    def __init__(self, url: str, status: int) -> None:
        self.status = status
        super().__init__(url, f"answered with status {status}", f"状態コード {status} が返りました。")


class ContentTypeError(DoorError):
    code = "wrong_content_type"
    sent = True


class HeaderRefusedError(DoorError):
    code = "header_refused"
    sent = True


class CookieRefusedError(DoorError):
    """A gadget's answer never sets a cookie; what the portal's door keeps none of is refused for a card."""

    code = "cookie_refused"
    sent = True

    def __init__(self, url: str) -> None:
        super().__init__(
            url, "the answer sets a cookie", "応答が Cookie を設定しています。Set-Cookie を除いてください。"
        )


class ImageRefusedError(DoorError):
    code = "image_refused"
    sent = True


class AnswerTooLargeError(DoorError):
    code = "answer_too_large"
    sent = True


class GadgetBusyError(GadgetError):
    code = "busy"
    message = gettext_noop("ただいま混み合っています。しばらくしてから、もう一度お試しください。")
    retry = True


class BreakerOpenError(GadgetError):
    code = "breaker_open"
    message = gettext_noop("提供元が応答しないため、しばらく確認を休んでいます。")
    retry = True

    def __init__(self, seconds: int = 0) -> None:
        self.seconds = seconds
        super().__init__()


class MaintenanceError(GadgetError):
    code = "maintenance"
    message = gettext_noop("このサービスは、予定された点検のため休んでいます。")
    retry = True

    def __init__(self, seconds: int = 0) -> None:
        self.seconds = seconds
        super().__init__()


class NoCardError(GadgetError):
    code = "no_card"
    message = gettext_noop("このサービスには、ここに表示する内容がありません。")


class FrameError(GadgetError):
    """A frame gets no token; nothing was released."""

    code = "frame"
    message = gettext_noop("この画面は、いまは使えません。")


class FrameGoneError(FrameError):
    code = "frame_gone"
    message = gettext_noop("このサービスの画面は、いまは使えません。提供が止まっているか、終わりました。")


class FrameChangedError(FrameError):
    code = "frame_changed"
    message = gettext_noop("サービスが新しくなりました。この画面を読み込み直してください。")


class TooManyTokensError(FrameError):
    code = "too_many_tokens"
    message = gettext_noop(
        "短い時間に何度も問い合わせがありました。しばらくしてから、もう一度お試しください。"
    )
    retry = True

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__()


class SubmitError(GadgetError):
    """What a resident filled in was not taken; the page shows again what was typed."""

    code = "submit"
    message = gettext_noop("送れませんでした。")


class NotGrantedError(SubmitError):
    code = "not_granted"
    message = gettext_noop(
        "このサービスへの許可がないため、送っていません。許可を確かめてから、もう一度お試しください。"
    )


class FormGoneError(SubmitError):
    code = "form_gone"
    message = gettext_noop("この入力は、いまは受け付けていません。何も送っていません。")


class FormUnavailableError(SubmitError):
    """`message` is that of the card which cannot be had."""

    code = "form_unavailable"
    retry = True

    def __init__(self, message: str, seconds: int = 0) -> None:
        self.message, self.seconds = message, seconds
        super().__init__(message)


class FormChangedError(SubmitError):
    code = "form_changed"
    message = gettext_noop(
        "入力の項目が変わりました。まだ送っていません。内容を確かめて、もう一度送ってください。"
    )
    retry = True


class FormRefusedError(SubmitError):
    """The provider read what was sent and did not take it; `reason` is its own sentence, or empty."""

    code = "form_refused"
    message = gettext_noop("提供者が受け付けませんでした。")

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        super().__init__(reason or self.message)


class TooManySubmitsError(SubmitError):
    code = "too_many_submits"
    message = gettext_noop("短い時間に何度も送られました。しばらくしてから、もう一度お試しください。")
    retry = True

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__()


class CityOsError(GadgetError):
    """The data of a query could not be had. Not the gadget's fault: no breaker and no figure of it counts this."""

    code = "city_os"
    message = gettext_noop("市のデータを取得できませんでした。")
    retry = True


class NoCityOsError(CityOsError):
    """No context broker is set (CONTEXT_BROKER_URL)."""

    code = "no_city_os"
    message = gettext_noop("この窓口は市のデータ連携基盤につながっていないため、表示できません。")
    retry = False


class BrokerError(CityOsError):
    """The context broker did not answer, or not as NGSI-LD says; `detail` is for the operator."""

    code = "broker"

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


class BrokerPausedError(CityOsError):
    """The context broker failed too often; we wait before asking again."""

    code = "broker_paused"


class NoContractError(CityOsError):
    """No contract that holds covers data which the gadget needs."""

    code = "no_contract"
    message = gettext_noop("データの持ち主との取り決めがないため、表示できません。")
    retry = False


class LifeError(GadgetError):
    """A step was refused; nothing was changed. `message`, with `values` in it, is shown to whoever tried it."""

    code = "life"
    message = gettext_noop("この操作はできません。")

    def __init__(self, message: str = "", **values: object) -> None:
        self.message = message or type(self).message
        self.values = values
        super().__init__(filled(self.message, values))


class NotPermittedError(LifeError):
    code = "not_permitted"
    message = gettext_noop("この操作をする権限がありません。")


class NotListedError(LifeError):
    code = "not_listed"

    def __init__(self, manifest_url: str, well_known: str) -> None:
        self.url = manifest_url
        super().__init__(
            gettext_noop(
                "%(well_known)s の gadgets に %(url)s がありません。"
                "この一覧にアドレスを加えて、ドメインの管理者であることを示してください。"
            ),
            well_known=well_known,
            url=manifest_url,
        )


class NotYoursError(LifeError):
    code = "not_yours"
    message = gettext_noop("このドメインまたはサービスは、別の組織が登録しています。")


class WrongStateError(LifeError):
    code = "wrong_state"
    message = gettext_noop("いまの状態では、この操作はできません。ページを読み込み直してください。")


class NotNewerError(LifeError):
    code = "not_newer"
    message = gettext_noop("マニフェストは、登録済みのものと同じです。")


class ReasonMissingError(LifeError):
    code = "reason_missing"
    message = gettext_noop("理由を書いてください。提供者に、そのまま伝わります。")


class ContractMissingError(LifeError):
    """`owner`: whose agreement is missing; empty when it is nobody's but the operator's."""

    code = "contract_missing"

    def __init__(self, entity_type: str, owner: str) -> None:
        self.entity_type, self.owner = entity_type, owner
        named = gettext_noop(
            "必要なデータ「%(type)s」の持ち主（%(owner)s）が、まだ利用に同意していません。"
            "同意を待つか、データを必須でなくした版を登録してもらってください。"
        )
        unnamed = gettext_noop(
            "必要なデータ「%(type)s」の持ち主が、まだ利用に同意していません。"
            "同意を待つか、データを必須でなくした版を登録してもらってください。"
        )
        super().__init__(named if owner else unnamed, type=entity_type, owner=owner)


class InvitationError(LifeError):
    code = "invitation"
    message = gettext_noop(
        "この招待は使えません。期限が過ぎたか、すでに使われています。招待した人に、新しいものを頼んでください。"
    )


class ContactLinkError(LifeError):
    code = "contact_link"
    message = gettext_noop(
        "このリンクは使えません。期限が過ぎたか、連絡先が変わりました。提供者のページから、もう一度送ってください。"
    )


class LastOwnerError(LifeError):
    code = "last_owner"
    message = gettext_noop("最後の管理者です。先に、ほかの人を管理者にしてください。")


class NoSuchRegionError(LifeError):
    code = "no_such_region"
    message = gettext_noop("その地域は登録されていません。先に地域を登録してください。")


class KeysChangedError(LifeError):
    code = "keys_changed"
    message = gettext_noop("相手の地域の鍵が、確かめたものと違います。もう一度、鍵の指紋を見比べてください。")


class NotForUsError(LifeError):
    code = "not_for_us"
    message = gettext_noop(
        "このサービスは、この地域向けではありません。提供者のマニフェストの regions を確かめてください。"
    )


class NoSuchGadgetError(LifeError):
    code = "no_such_gadget"
    message = gettext_noop("このサービスは、いま公開されていません。")


class LockedError(LifeError):
    code = "locked"
    message = gettext_noop("このサービスは市がすべての方にお見せしているため、隠せません。")


class LocalOnlyError(LifeError):
    code = "local_only"
    message = gettext_noop("このサービスは、この地域にお住まいの方のものです。")


class BadSettingError(LifeError):
    code = "bad_setting"
    message = gettext_noop("このサービスにはない大きさ、または設定です。")


class KeyRefusedError(LifeError):
    code = "key_refused"
    message = gettext_noop(
        "鍵がないか、使えない鍵です。提供者のページで新しい鍵を作り、Authorization: Bearer に入れてください。"
    )


class TooManyCallsError(LifeError):
    code = "too_many_calls"
    message = gettext_noop("1分間に受け付ける回数を超えました。1分ほど待ってから、もう一度お試しください。")
    retry = True

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__()


class TooOftenError(LifeError):
    code = "too_often"
    message = gettext_noop("短い時間に何度も登録されました。しばらくしてから、もう一度お試しください。")
    retry = True

    def __init__(self, message: str = "", *, seconds: int = 0) -> None:
        self.seconds = seconds
        super().__init__(message)
