"""The lunch provider as a program: menu, card, and a site where a family chooses its warnings."""

from datetime import date
from html import escape

from examples.kit import pages
from examples.kit.card import Texts, pick
from examples.kit.config import Config
from examples.kit.events import ERASURE, ERASURE_CHECK, Answer, Event
from examples.kit.forms import Filled
from examples.kit.provider import Profile, Provider
from examples.kit.sessions import Session
from examples.kit.web import Request, Response, redirect
from examples.lunch import card, menu
from examples.lunch.claims import ClaimsClient, ClaimsExpiredError, ClaimsUnavailableError
from examples.lunch.ingredients import INGREDIENTS, LIMIT
from examples.lunch.manifest import GADGET, MAX_AGE, PROVIDER, manifest
from examples.lunch.wishes import Wishes

TITLE: Texts = {
    "ja": "学校給食",
    "ja-simple": "学校（がっこう）の 給食（きゅうしょく）",
    "en": "School lunch",
}
CHOOSE: Texts = {
    "ja": "気になる食材",
    "ja-simple": "さがす 食べもの",
    "en": "Ingredients to look for",
}
CHOOSE_WHY: Texts = {
    "ja": f"選んだ食材の名前が今日か明日の献立にあると、ポータルのカードでお知らせします。{LIMIT['ja']}",
    "ja-simple": f"えらんだ 食べものが 今日（きょう）か 明日（あした）の 給食に ある とき、カードで 知らせます。{LIMIT['ja-simple']}",
    "en": f"When the menu of today or tomorrow names one of these, your card on the portal says so. {LIMIT['en']}",
}
SAVE: Texts = {"ja": "保存する", "ja-simple": "これに する", "en": "Save"}
SAVED: Texts = {"ja": "保存しました。", "ja-simple": "できました。", "en": "Saved."}
GOT: Texts = {
    "ja": "この窓口が今もらっている情報",
    "ja-simple": "この サイトが 今 もらって いる 情報（じょうほう）",
    "en": "What this site is given now",
}
GOT_NOTHING: Texts = {
    "ja": "何ももらっていません。ポータルの「わたしのデータ」で許可すると、ここに出ます。",
    "ja-simple": "何も もらって いません。ポータルの「わたしのデータ」で きめる ことが できます。",
    "en": "Nothing. What you allow under “My data” on the portal would stand here.",
}
GOT_EXPIRED: Texts = {
    "ja": "確認の時間が切れました。",
    "ja-simple": "時間（じかん）が すぎました。",
    "en": "The time to look this up is over.",
}
GOT_ERROR: Texts = {
    "ja": "今は取得できません。",
    "ja-simple": "今は わかりません。",
    "en": "Not available now.",
}
LOOK_AGAIN: Texts = {"ja": "もう一度確認する", "ja-simple": "もう一度（いちど） 見る", "en": "Look again"}
PRIVACY: tuple[Texts, ...] = (
    {
        "ja": "カードには、この窓口だけの識別子と、あなたが許可した「お子さまの学年」だけが届きます。学年は、答えたあと保存しません。",
        "ja-simple": "カードには、この サイトだけの 番号（ばんごう）と、あなたが いいと 言った「子どもの 学年（がくねん）」だけが 来ます。学年は のこしません。",
        "en": "The card receives an identifier for this provider only, and your children's school years if you allow it. The years are not kept after the answer.",
    },
    {
        "ja": "あなたが選んだ「気になる食材」は、識別子とともに保存します。全部の選択を外して保存すると、消えます。地域IDの登録を消したときも、窓口からの知らせを受けて消します。",
        "ja-simple": "あなたが えらんだ 食べものは、番号（ばんごう）と いっしょに のこします。ぜんぶ やめると、消（き）えます。地域（ちいき）IDを やめた ときも、消します。",
        "en": "The ingredients you choose are kept with the identifier. Clearing every choice deletes them, and so does closing your regional ID: the portal then asks us to.",
    },
    {
        "ja": "出典: 高松市オープンデータ（CC BY 4.0）を加工",
        "ja-simple": "高松市（たかまつし）の オープンデータ（CC BY 4.0）を 使（つか）いました",
        "en": "Source: adapted from Takamatsu City open data (CC BY 4.0)",
    },
)


def build(config: Config) -> Provider:
    """The provider, ready to serve; raises MenuError when the table cannot be read."""
    known = menu.load()
    wishes = Wishes(config.var_dir)

    def home(request: Request, locale: str, session: Session | None) -> str:
        today = provider.now().date()
        lunch = (
            f'<p class="warn">{escape(pick(card.SAMPLE, locale))}</p>'
            f"<p>{escape(card.day_summary(known, today, locale))}</p>{_week(known, today, locale)}"
            f"<p>{escape(pick(card.SOURCE.publisher, locale))}</p>"
        )
        if session is None:
            return pages.sign_in_link(locale, "/") + lunch
        saved = f'<p role="status">{escape(pick(SAVED, locale))}</p>' if "saved" in request.query else ""
        return (
            saved
            + pages.signed_in_box(locale, sub=session.sub, csrf=session.csrf)
            + _choices(wishes.of(session.sub), session.csrf, locale)
            + _claims(claims, session, locale)
            + lunch
        )

    def settings(request: Request) -> Response:
        session = provider.require_form(request)
        wishes.keep(session.sub, request.fields("ingredient"))
        return redirect(pages.with_lang("/?saved=1", pages.locale_of(request)))

    def on_event(event: Event) -> Answer:
        """A withdrawal finds nothing to delete: school years are used for one card and never stored."""
        if event.kind == ERASURE:
            return Answer(wishes.forget(event.sub))
        if event.kind == ERASURE_CHECK:
            return Answer(wishes.count(event.sub))
        return Answer()

    def on_form(sub: str, filled: Filled) -> None:
        """Unknown forms change nothing; unknown ingredients are dropped."""
        if filled.name == card.FORM:
            wishes.keep(sub, [key for key, ticked in filled.values.items() if ticked is True])

    provider = Provider(
        config,
        Profile(
            name="lunch",
            gadget=GADGET,
            title=TITLE,
            provider=PROVIDER,
            manifest=manifest,
            make_card=lambda token, now: card.make(known, config, token, now, wishes.of(token.sub)),
            home=home,
            privacy=PRIVACY,
            private_cards=True,
            max_age=MAX_AGE,
            on_event=on_event,
            on_form=on_form,
        ),
    )
    claims = ClaimsClient(config, provider.http, provider.keys)
    provider.on_close.append(wishes.close)
    provider.site.route("POST", "/settings", settings)
    return provider


def _week(known: menu.Menu, today: date, locale: str) -> str:
    block = card.week_table(known, today, locale)
    return pages.html_table(block["caption"], [one["label"] for one in block["columns"]], block["rows"])


def _choices(chosen: tuple[str, ...], csrf: str, locale: str) -> str:
    boxes = "".join(
        f'<label><input type="checkbox" name="ingredient" value="{key}"{" checked" if key in chosen else ""}>'
        f"{escape(pick(one.label, locale))}</label>"
        for key, one in INGREDIENTS.items()
    )
    return (
        f'<section class="box"><h2>{escape(pick(CHOOSE, locale))}</h2><p>{escape(pick(CHOOSE_WHY, locale))}</p>'
        f'<form method="post" action="/settings?lang={escape(locale)}">'
        f'<input type="hidden" name="csrf" value="{escape(csrf)}">'
        f'<fieldset><legend>{escape(pick(CHOOSE, locale))}</legend><div class="choices">{boxes}</div></fieldset>'
        f'<p><button type="submit">{escape(pick(SAVE, locale))}</button></p></form></section>'
    )


def _claims(client: ClaimsClient, session: Session, locale: str) -> str:
    again = f'<p><a href="/oidc/start">{escape(pick(LOOK_AGAIN, locale))}</a></p>'
    try:
        granted = client.granted_now(session)
    except ClaimsExpiredError:
        body = f"<p>{escape(pick(GOT_EXPIRED, locale))}</p>{again}"
    except ClaimsUnavailableError:
        body = f"<p>{escape(pick(GOT_ERROR, locale))}</p>{again}"
    else:
        body = f"<p>{escape(pick(GOT_NOTHING, locale))}</p>"
        if granted:
            rows = "".join(
                f"<dt><code>{escape(name)}</code></dt><dd>{escape(_shown(value))}</dd>"
                for name, value in sorted(granted.items())
            )
            body = f"<dl>{rows}</dl>"
    return f'<section class="box" id="claims"><h2>{escape(pick(GOT, locale))}</h2>{body}</section>'


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
