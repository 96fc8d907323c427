"""The home over HTTP: headers, languages, reasons with links, what a guest may choose, all news."""

from datetime import timedelta

import pytest
from django.conf import settings

from tests.portal.home.conftest import browser
from tests.portal.home.samples import entry

pytestmark = pytest.mark.django_db


def get(path="/"):
    return browser().get(path)


def test_a_guests_home_may_be_shared_briefly_and_sets_no_cookie(publish):
    publish([entry("a", title="花火大会")])
    response = get()
    assert response.status_code == 200
    assert response["Cache-Control"] == "public, max-age=0, s-maxage=5"
    assert "Cookie" in response["Vary"]
    assert not response.cookies
    assert "csrfmiddlewaretoken" not in response.content.decode()
    assert "花火大会" in response.content.decode()


@pytest.mark.parametrize(
    ("path", "lang", "title", "why"),
    [
        ("/", "ja", "aの題", "新しいお知らせ"),
        ("/en/", "en", "Title of a", "Recent"),
        ("/ja-simple/", "ja", "aの題", "あたらしい おしらせ"),
    ],
)
def test_each_language_has_its_home(publish, path, lang, title, why):
    publish([entry("a")])
    html = get(path).content.decode()
    assert f'<html lang="{lang}"' in html
    assert title in html
    assert why in html
    prefix = "" if path == "/" else path.rstrip("/")
    assert f'href="{prefix}/news/a/"' in html


def test_text_of_editors_is_escaped_and_opens_no_slot(publish):
    publish([entry("a", title="<script>1</script>\ue000csrf\ue001")])
    html = get().content.decode()
    assert "<script>1" not in html
    assert "&lt;script&gt;1&lt;/script&gt;csrf" in html
    assert "\ue000" not in html


def test_a_guest_chooses_and_the_next_home_follows_and_says_why(publish):
    publish([entry("all"), entry("near", places=("yashima",), age=timedelta(days=2))])
    guest = browser()
    answer = guest.post("/guest/", {"district": "yashima", "topics": ["music", "food"]})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert answer.cookies[settings.GUEST_COOKIE_NAME].value == "1.yashima.food-music"
    assert (
        answer.cookies[settings.GUEST_COOKIE_NAME]["httponly"],
        answer.cookies[settings.GUEST_COOKIE_NAME]["samesite"],
    ) == (True, "Lax")
    html = guest.get("/").content.decode()
    assert html.index("nearの題") < html.index("allの題")
    assert "お住まいの地区（屋島）のお知らせ" in html
    assert 'href="#guest"' in html
    assert '<option value="yashima" selected>' in html


def test_a_guest_clears_the_choices(publish):
    publish()
    guest = browser()
    guest.post("/guest/", {"district": "yashima"})
    answer = guest.post("/guest/", {"action": "clear"})
    assert answer.cookies[settings.GUEST_COOKIE_NAME].value == ""


@pytest.mark.parametrize("form", [{"district": "atlantis"}, {"topics": ["opera"]}])
def test_choices_outside_the_vocabulary_are_refused_in_words(publish, form):
    publish()
    answer = get_post("/guest/", form)
    assert answer.status_code == 400
    assert "選んだ地区またはテーマが見つかりません" in answer.content.decode()
    assert settings.GUEST_COOKIE_NAME not in answer.cookies


def get_post(path, form, **headers):
    return browser(enforce_csrf_checks=True).post(path, form, headers=headers)


def test_a_form_from_another_site_changes_nothing(publish):
    publish()
    form = {"district": "yashima"}
    assert get_post("/guest/", form, sec_fetch_site="cross-site").status_code == 403
    assert get_post("/guest/", form, origin="http://elsewhere.localhost").status_code == 403
    assert get_post("/guest/", form, origin=settings.PORTAL_URL).status_code == 302
    assert get_post("/guest/", form, origin="null", sec_fetch_site="same-origin").status_code == 302


def test_a_forged_cookie_is_the_plain_page(publish):
    publish([entry("a")])
    guest = browser()
    guest.cookies[settings.GUEST_COOKIE_NAME] = "1.atlantis.<script>"
    plain, forged = get().content, guest.get("/").content
    assert plain == forged


def test_all_news_is_chronological_for_everybody_and_paged(publish):
    meant = {"area.district": ["busshozan"]}
    publish(
        [entry(f"n{n:02}", age=timedelta(hours=n + 1)) for n in range(40)]
        + [entry("aimed", audience=meant, age=timedelta(minutes=1))]
        + [entry("fair", kind="event", starts=timedelta(days=1))]
    )
    first, second = get("/all-news/").content.decode(), get("/all-news/?page=2").content.decode()
    assert first.index("aimedの題") < first.index("n00の題") < first.index("n28の題")
    assert "n29の題" not in first
    assert "n29の題" in second
    assert "fairの題" not in first + second
    assert get("/all-news/?page=x").status_code == 200


def test_the_home_answers_to_reading_only(publish):
    publish()
    assert browser().post("/").status_code == 405
    assert get("/guest/").status_code == 405
