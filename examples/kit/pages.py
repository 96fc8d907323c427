"""The frame of a provider's own pages: escaped HTML, one style sheet, three languages, no script."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote, urlencode

from examples.kit.card import Texts, pick
from examples.kit.web import Request

STYLE = (Path(__file__).parent / "static" / "site.css").read_text(encoding="utf-8")
LANGUAGES = (("ja", "日本語"), ("ja-simple", "やさしい日本語"), ("en", "English"))
SAMPLE: Texts = {
    "ja": "これは見本のサイトです。市のサイトではありません。",
    "ja-simple": "これは 見本（みほん）の サイトです。市（し）の サイトでは ありません。",
    "en": "This is a sample site. It is not a site of the city.",
}
SIGN_IN: Texts = {
    "ja": "地域IDでサインイン",
    "ja-simple": "地域（ちいき）IDで 入る",
    "en": "Sign in with the regional ID",
}
SIGN_OUT: Texts = {"ja": "サインアウト", "ja-simple": "出る（サインアウト）", "en": "Sign out"}
PRIVACY: Texts = {
    "ja": "個人情報の取り扱い",
    "ja-simple": "あなたの 情報（じょうほう）の 使（つか）いかた",
    "en": "Privacy",
}
LANGUAGE: Texts = {"ja": "言語", "ja-simple": "ことば", "en": "Language"}
YOUR_ID: Texts = {
    "ja": "あなたの識別子（この窓口だけのもの）",
    "ja-simple": "あなたの 番号（ばんごう）（この サイトだけで 使います）",
    "en": "Your identifier (for this site only)",
}
NOT_KNOWN: Texts = {
    "ja": "お名前・メールアドレス・住所は、この窓口には届いていません。",
    "ja-simple": "名前・メール・住所（じゅうしょ）は、この サイトに 来て いません。",
    "en": "Your name, e-mail and address are not known here.",
}
NOT_SET_UP: Texts = {
    "ja": "この窓口には、地域IDの設定がまだありません。",
    "ja-simple": "この サイトは、まだ 地域（ちいき）IDが 使えません。",
    "en": "The regional ID is not set up for this site yet.",
}


def locale_of(request: Request) -> str:
    """`?lang=`, else the browser's first language, else Japanese."""
    asked = request.query.get("lang", "")
    if asked in {code for code, _ in LANGUAGES}:
        return asked
    return "en" if request.headers.get("accept-language", "ja").lower().startswith("en") else "ja"


def with_lang(path: str, locale: str) -> str:
    """A local link that keeps the language."""
    return f"{path}{'&' if '?' in path else '?'}lang={quote(locale)}"


def page(*, title: str, main: str, locale: str, path: str, provider: str) -> str:
    """A whole page around `main`, which is HTML already."""
    return f"""<!doctype html>
<html lang="{"en" if locale == "en" else "ja"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} | {escape(provider)}</title>
<link rel="stylesheet" href="/static/site.css">
</head>
<body>
<header><p class="sample">{escape(pick(SAMPLE, locale))}</p>
<p class="provider"><a href="{escape(with_lang("/", locale))}">{escape(provider)}</a></p>
<nav aria-label="{escape(pick(LANGUAGE, locale))}"><ul class="languages">{_languages(path, locale)}</ul></nav></header>
<main><h1>{escape(title)}</h1>
{main}</main>
<footer><p><a href="{escape(with_lang("/privacy", locale))}">{escape(pick(PRIVACY, locale))}</a></p></footer>
</body>
</html>
"""


def sign_in_link(locale: str, next_path: str) -> str:
    """The link that starts the sign-in and comes back to `next_path`."""
    query = urlencode({"next": next_path, "lang": locale})
    return f'<p><a class="button" href="/oidc/start?{escape(query)}">{escape(pick(SIGN_IN, locale))}</a></p>'


def signed_in_box(locale: str, *, sub: str, csrf: str) -> str:
    """Who the provider thinks this is (a pairwise subject and nothing else), and the way out."""
    return (
        f'<section class="box"><h2>{escape(pick(YOUR_ID, locale))}</h2>'
        f'<p><code id="subject">{escape(sub)}</code></p><p>{escape(pick(NOT_KNOWN, locale))}</p>'
        f'<form method="post" action="/oidc/logout"><input type="hidden" name="csrf" value="{escape(csrf)}">'
        f'<button type="submit">{escape(pick(SIGN_OUT, locale))}</button></form></section>'
    )


def html_table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with its caption; the first cell heads each row."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def html_list(items: Sequence[str]) -> str:
    """A plain list."""
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def _languages(path: str, locale: str) -> str:
    out = []
    for code, name in LANGUAGES:
        lang = "en" if code == "en" else "ja"
        current = ' aria-current="true"' if code == locale else ""
        out.append(
            f'<li><a lang="{lang}" hreflang="{lang}" href="{escape(with_lang(path, code))}"{current}>{name}</a></li>'
        )
    return "".join(out)
