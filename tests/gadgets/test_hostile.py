"""Hostile providers, each on a real socket: the pages stay whole, the gadget is suspended, its audit says why.

Each one is published while it behaves, beside a provider that behaves all the time. Then it turns.
"""

import gzip
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from gadgets import queries
from gadgets.cards import fetch
from gadgets.layout.layout import Slot
from gadgets.metrics import call_metrics
from gadgets.models import GadgetHour, ReviewNote
from gadgets.operation import health_watch
from gadgets.outbound.http import Door
from gadgets.protocol.card import MEDIA_TYPE
from gadgets.types import StoredCard, Unavailable
from identity.domain.roles import SYSTEM
from portal.content.actions import set_default_slots
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.providers import Answer, Handler, Provider, card_bytes, card_document, reply

pytestmark = pytest.mark.django_db

SCRIPT = "<script>document.title = 'taken'</script>"
RLO = "\u202e"
MARK = "noteworthy"


def in_every_text(value: Any, put: str) -> Any:
    """The same document with `put` in each of its strings but those that the schema fixes."""
    if isinstance(value, str):
        return f"{value}{put}"
    if isinstance(value, list):
        return [in_every_text(inner, put) for inner in value]
    if isinstance(value, dict):
        fixed = {"type", "lang", "updated", "valid_until", "status", "observed", "level", "date"}
        return {key: inner if key in fixed else in_every_text(inner, put) for key, inner in value.items()}
    return value


def rich() -> dict[str, Any]:
    """A card with a text in every kind of place."""
    return card_document(
        source={"publisher": "高松市", "licence": "CC BY 4.0", "note": "見本"},
        blocks=[
            {"type": "text", "text": "あすは燃えるごみの日です。"},
            {"type": "facts", "items": [{"label": "区域", "value": "7"}]},
            {"type": "list", "items": ["燃えるごみ", {"text": "びん"}]},
            {
                "type": "table",
                "caption": "収集日",
                "columns": [{"label": "日"}, {"label": "種類"}],
                "rows": [["1日", "びん"]],
                "row_headers": True,
            },
            {"type": "dates", "items": [{"date": "2026-04-02", "label": "びん", "note": "朝8時まで"}]},
            {
                "type": "metric",
                "label": "水位",
                "value": 1.2,
                "unit": "m",
                "observed": "2026-04-01T09:00:00+09:00",
                "status": "current",
                "note": "速報",
            },
            {"type": "notice", "level": "info", "text": "あすは収集があります。"},
        ],
    )


def of(document: Mapping[str, Any]) -> Answer:
    return reply(json.dumps(document, ensure_ascii=False).encode())


def huge(handler: Handler) -> None:
    """50 MB, as fast as they are taken."""
    handler.send_response(200)
    handler.send_header("Content-Type", MEDIA_TYPE)
    handler.send_header("Content-Length", str(50 * 1024 * 1024))
    handler.end_headers()
    for _ in range(50):
        handler.wfile.write(b" " * 1024 * 1024)


def bomb() -> Answer:
    """50 MB of spaces, packed into 50 KB."""
    packed = gzip.compress(b" " * 50 * 1024 * 1024)
    assert len(packed) < 64 * 1024
    return reply(packed, headers={"Content-Encoding": "gzip"})


def dripping(handler: Handler) -> None:
    """One byte a second."""
    handler.send_response(200)
    handler.send_header("Content-Type", MEDIA_TYPE)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(1)


def raw_head(*lines: bytes) -> Answer:
    """A good card under a head that is written as it stands."""

    def answer(handler: Handler) -> None:
        body = card_bytes()
        head = (
            b"HTTP/1.1 200 OK",
            b"Content-Type: " + MEDIA_TYPE.encode(),
            b"Content-Length: " + str(len(body)).encode(),
            *lines,
        )
        handler.wfile.write(b"\r\n".join(head) + b"\r\n\r\n" + body)

    return answer


def clock(**times: timedelta | str) -> Callable[[], Answer]:
    """A card whose times are so far from now, or as they stand."""

    def make() -> Answer:
        now = timezone.now()
        told = {
            name: (now + at).isoformat() if isinstance(at, timedelta) else at for name, at in times.items()
        }
        document = card_document(updated=now.isoformat(), valid_until=(now + timedelta(days=1)).isoformat())
        if "observed" in told:
            metric = {"type": "metric", "label": "水位", "value": 1, "unit": "m", "status": "current"}
            document["blocks"] = [{**metric, "observed": told.pop("observed")}]
        return of({**document, **told})

    return make


@dataclass(frozen=True)
class Attack:
    """What it answers, with which code that ends, and what the audit says of it."""

    make: Callable[[], Answer]
    code: str
    says: str
    deadline: float = field(default=1.0)

    @property
    def at_once(self) -> bool:
        """Whether it is suspended within the hour, not only after hours of failing."""
        return self.code in health_watch.ATTACK_CODES


CARD = "内容が書き方の決まりに合わない"
BIG = "応答が大きさの上限を超える"
HEADER = "応答のヘッダーに改行や制御文字が含まれる"
ATTACKS: dict[str, Attack] = {
    "50 MB": Attack(lambda: huge, "answer_too_large", BIG),
    "gzip bomb": Attack(bomb, "answer_too_large", BIG),
    "1 byte a second": Attack(lambda: dripping, "deadline_passed", "時間内に応答が終わらない", 0.2),
    "10,000 deep": Attack(lambda: reply(b"[" * 10_000 + b"]" * 10_000), "card", CARD),
    "script in every text": Attack(lambda: of(in_every_text(rich(), SCRIPT)), "card", CARD),
    "redirect to loopback": Attack(
        lambda: reply(b"", status=302, headers={"Location": "http://127.0.0.1:6379/"}),
        "redirect_refused",
        "別のアドレスへ転送する",
    ),
    "a header inside a header": Attack(
        lambda: raw_head(b'ETag: "a"\rSet-Cookie: session=stolen'),
        "cookie_refused",
        "応答が Cookie を設定しようとする",
    ),
    "control character in a header": Attack(
        lambda: raw_head(b'ETag: "a\x0b\x0cX-Evil: 1"'), "header_refused", HEADER
    ),
    "cookies": Attack(
        lambda: reply(
            card_bytes(), headers={"Set-Cookie": "session=stolen; Domain=region.localhost; Path=/"}
        ),
        "cookie_refused",
        "応答が Cookie を設定しようとする",
    ),
    "html in place of a card": Attack(
        lambda: reply(f"<html>{SCRIPT}</html>".encode(), content_type="text/html"),
        "wrong_content_type",
        "Content-Type が違う",
    ),
    "invalid UTF-8": Attack(
        lambda: reply(card_bytes().replace("燃".encode(), b"\xc3\x28\xff")), "card", CARD
    ),
    "bidi names": Attack(lambda: of(in_every_text(rich(), RLO)), "card", CARD),
    "100,000 blocks": Attack(
        lambda: of(card_document(blocks=[{"type": "text", "text": "x"}] * 100_000)), "answer_too_large", BIG
    ),
    "as many blocks as 64 KB hold": Attack(
        lambda: of(card_document(blocks=[{"type": "text", "text": "x"}] * 1_800)), "card", CARD
    ),
    "made tomorrow": Attack(clock(updated=timedelta(days=1), valid_until=timedelta(days=2)), "card", CARD),
    "made in 1970": Attack(clock(updated="1970-01-01T00:00:00+00:00"), "card", CARD),
    "over before it was made": Attack(clock(valid_until=timedelta(days=-1)), "card", CARD),
    "observed in the year 9000": Attack(clock(observed="9000-01-01T00:00:00+00:00"), "card", CARD),
}


@pytest.fixture
def good(clean: None, db: None, django_capture_on_commit_callbacks: Any) -> Iterator[str]:
    """A provider that behaves; the id of its gadget."""
    with Provider.running(reply(b""), host="fine.localhost") as provider:
        made = life.Careless(provider)
        provider.answer = made.answer
        made.document |= {"id": "localhost.fine.news", "title": {"ja": "よいサービス"}}
        made.card = card_document(blocks=[{"type": "text", "text": f"{MARK}のお知らせ"}])
        yield life.publish(made.url, django_capture_on_commit_callbacks, name="GoodCo")


@pytest.fixture
def bad(careless: life.Careless, good: str, django_capture_on_commit_callbacks: Any) -> str:
    """The id of the gadget that turns; it stands on the home before the good one."""
    careless.document |= {"id": "localhost.waste.bad", "title": {"ja": "わるいサービス"}}
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks, name="BadCo")
    with django_capture_on_commit_callbacks(execute=True):
        set_default_slots(
            slots=[Slot(gadget_id, "S", locked=False), Slot(good, "S", locked=False)], by=SYSTEM
        )
    return gadget_id


@pytest.fixture(autouse=True)
def nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_metrics, "_waiting", {})


def ask(gadget_id: str, *, locale: str = "ja", deadline: float = 1.0) -> StoredCard | Unavailable:
    """One call, as the background makes it; the breaker's patience is not what this is about."""
    cache.clear()
    gadget = queries.registry().gadgets[gadget_id]
    return fetch.refresh(fetch.wanted_for(gadget, bundle=None, locale=locale, size="S"), deadline=deadline)


def whole(html: str, title: str) -> None:
    """A complete page that holds nothing of the attack."""
    assert html.rstrip().endswith("</html>")
    assert f"<h1>{title}" in html or f">{title}</a></h3>" in html
    for harm in (SCRIPT, "taken", RLO, "stolen", "X-Evil"):
        assert harm not in html


@pytest.mark.parametrize("name", ATTACKS)
def test_the_page_stays_whole_the_gadget_goes_and_the_audit_says_why(
    name: str, desk: DeskFor, careless: life.Careless, good: str, bad: str
) -> None:
    attack = ATTACKS[name]
    careless.card = attack.make()
    guest = desk(None)
    fragment = guest.get(reverse("gadgets_wire:card", args=[bad]))
    assert fragment.status_code == 200
    assert 'data-status="not_available"' in fragment.content.decode()
    assert "session" not in fragment.cookies
    assert MARK in guest.page(reverse("gadgets_wire:card", args=[good]))
    home = guest.page("/")
    whole(home, "わるいサービス")
    assert MARK in home
    assert home.count("data-gadget=") == 2
    whole(guest.page(reverse("gadgets:page", args=[bad])), "わるいサービス")

    found = ask(bad, deadline=attack.deadline)
    assert isinstance(found, Unavailable)
    assert found.code == attack.code
    assert found.provider_message

    suspended_by(bad, attack)
    assert bad not in queries.registry().gadgets
    note = ReviewNote.objects.get(gadget__gadget_id=bad, decision="suspended")
    assert attack.says in note.reason
    assert re.search(r"（\d+回）。.+。", note.reason), "a remedy for each fault"
    assert MARK in guest.page(reverse("gadgets_wire:card", args=[good]))
    after = guest.page("/")
    assert MARK in after
    assert "わるいサービス" not in after
    assert guest.get(reverse("gadgets_wire:card", args=[bad])).status_code == 404


def suspended_by(gadget_id: str, attack: Attack) -> None:
    """Calls as they come in the background, until the watch has seen enough of them."""
    for _ in range(4):
        ask(gadget_id, deadline=attack.deadline)
    call_metrics.flush()
    now = timezone.now()
    if not attack.at_once:
        assert health_watch.sweep(now) == 0
        # The same again in the two hours before: what was counted now is written as theirs too.
        row = GadgetHour.objects.get(gadget_id=gadget_id, hour=now.replace(minute=0, second=0, microsecond=0))
        for back in (1, 2):
            row.pk = None
            row.hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=back)
            row.save(force_insert=True)
    assert health_watch.sweep(now) == 1
    cache.delete(queries.VERSION_KEY)


def test_a_name_that_turns_to_this_machine_between_two_calls_is_never_connected_to(
    monkeypatch: pytest.MonkeyPatch, desk: DeskFor, careless: life.Careless, good: str, bad: str
) -> None:
    """DNS rebinding: the socket goes to the address that was checked, because the name is resolved once for both."""
    answers = iter(["8.8.8.8"])
    opened: list[str] = []

    def rebinding(_host: str, _port: int) -> list[str]:
        return [next(answers, "127.0.0.1")]

    def open_nothing(address: tuple[str, int], _timeout: float) -> NoReturn:
        """No test leaves this machine."""
        opened.append(address[0])
        raise ConnectionRefusedError

    gadget = replace(queries.registry().gadgets[bad], card_url="https://rebind.example/g/card")
    outside = Door(resolver=rebinding)
    codes = []
    with monkeypatch.context() as turned:
        turned.setattr(fetch, "door", lambda: outside)
        turned.setattr(socket, "create_connection", open_nothing)
        for _ in range(6):
            cache.clear()
            found = fetch.refresh(fetch.wanted_for(gadget, bundle=None, locale="ja", size="S"), deadline=1)
            assert isinstance(found, Unavailable)
            codes.append(found.code)
    assert codes == ["connect_failed", *["address_refused"] * 5]
    assert opened == ["8.8.8.8"]
    call_metrics.flush()
    assert health_watch.sweep() == 1
    note = ReviewNote.objects.get(gadget__gadget_id=bad, decision="suspended")
    assert "公開されていない（内部の）アドレスにつながる（5回）" in note.reason
    guest = desk(None)
    assert MARK in guest.page(reverse("gadgets_wire:card", args=[good]))


def test_a_folded_header_is_one_value_and_goes_nowhere(
    desk: DeskFor, careless: life.Careless, good: str, bad: str
) -> None:
    careless.card = raw_head(b'ETag: "a"', b" Set-Cookie: session=stolen")
    found = ask(bad)
    assert isinstance(found, StoredCard)
    assert found.etag == ""
    answer = desk(None).get(reverse("gadgets_wire:card", args=[bad]))
    assert "stolen" not in f"{answer.headers}{answer.cookies}{answer.content.decode()}"


@pytest.mark.parametrize("date", ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "soon"])
def test_the_header_date_is_never_believed(
    date: str, desk: DeskFor, careless: life.Careless, good: str, bad: str
) -> None:
    """Neither it nor Age or Expires makes a card older or newer than our own clock says."""
    lies = {"Date": date, "Expires": "Fri, 31 Dec 9999 23:59:59 GMT", "Age": "-5", "Last-Modified": date}
    careless.card = reply(card_bytes(), headers=lies)
    before = timezone.now()
    found = ask(bad)
    assert isinstance(found, StoredCard)
    assert before <= found.fetched_at <= timezone.now()
    assert found.fresh_until <= timezone.now() + timedelta(seconds=careless.document["cache"]["max_age"])


def test_five_minutes_of_a_wrong_clock_are_tolerated(
    desk: DeskFor, careless: life.Careless, good: str, bad: str
) -> None:
    careless.card = clock(updated=timedelta(minutes=4), valid_until=timedelta(days=1))()
    assert isinstance(ask(bad), StoredCard)
    careless.card = clock(updated=timedelta(minutes=6), valid_until=timedelta(days=1))()
    refused = ask(bad)
    assert isinstance(refused, Unavailable)
    assert "$.updated" in refused.provider_message
    assert "サーバーの時計" in refused.provider_message


def test_the_last_good_card_stays_while_its_provider_attacks(
    desk: DeskFor, careless: life.Careless, good: str, bad: str
) -> None:
    hanako = cast.hanako()
    seat = desk(hanako)
    careless.card = card_document(blocks=[{"type": "text", "text": "前のお知らせ"}])
    assert "前のお知らせ" in seat.page(reverse("gadgets_wire:card", args=[bad]))
    gadget = queries.registry().gadgets[bad]
    wanted = fetch.wanted_for(gadget, bundle=None, locale="ja", size="S")
    held = fetch.cached(wanted)
    assert held is not None
    old = replace(held, fresh_until=timezone.now() - timedelta(seconds=1))
    cache.set(fetch.cache_key(wanted), fetch.encode(old, wanted), 600)
    careless.card = of(in_every_text(rich(), SCRIPT))
    shown = seat.page(reverse("gadgets_wire:card", args=[bad]))
    assert "前のお知らせ" in shown
    assert 'data-status="old"' in shown
