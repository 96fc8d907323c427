"""A reader gets the portal's own copy of an image: made anew, small, without metadata, and nothing else."""

import dataclasses
import io
import signal
import subprocess
import zlib
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gadgets import queries
from gadgets.cards import card_addresses, fetch
from gadgets.errors import ImageRefusedError
from gadgets.images import copies, image_work
from gadgets.operation.rollout import Earlier
from gadgets.signals import card_fetched
from gadgets.types import FetchOutcome
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.held import hold
from tests.gadgets.life import Careless
from tests.gadgets.providers import Handler, card_document, reply
from tests.gadgets.samples import info

SECRET = b"taken at 34.34N 134.05E by Hanako"


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20), mode: str = "RGB", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, (200, 30, 30, 128)[: len(mode)]).save(out, kind, **more)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it is huge."""
    head = b"\x89PNG\r\n\x1a\n"
    for name, body in (
        (b"IHDR", width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"),
        (b"IDAT", zlib.compress(b"\0" * 1000)),
        (b"IEND", b""),
    ):
        head += len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")
    return head


def with_scans(count: int, size: tuple[int, int] = (40, 20)) -> bytes:
    """A progressive JPEG whose last scan comes again and again: a legal file of a few bytes a scan."""
    raw = picture("JPEG", size, mode="L", progressive=True)
    last = raw.rindex(b"\xff\xda")
    scan = raw[last:-2]
    return raw[:last] + scan * count + raw[-2:]


def with_segments(count: int) -> bytes:
    raw = picture("JPEG")
    return raw[:2] + b"\xff\xfe\x00\x03x" * count + raw[2:]


def with_chunks(count: int) -> bytes:
    raw = picture()
    chunk = b"\0\0\0\0tEXt" + zlib.crc32(b"tEXt").to_bytes(4, "big")
    return raw[:-12] + chunk * count + raw[-12:]


def animated(kind: str, count: int) -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), (255 * (number % 2), number // 2, 0)) for number in range(count)]
    more: dict[str, Any] = {"default_image": False} if kind == "PNG" else {}
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=10, **more)
    return out.getvalue()


def in_pieces(count: int) -> bytes:
    """A GIF whose data come a byte at a time."""
    raw = picture("GIF", mode="P")
    return raw[:-1] + b"\x21\xfe" + b"\x01x" * count + b"\0" + raw[-1:]


def opened(raw: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(raw))
    image.load()
    return image


class Shown:
    """A published gadget whose card holds one image."""

    def __init__(self, careless: Careless, gadget_id: str, seat: life.Desk) -> None:
        self.careless, self.gadget_id, self.seat = careless, gadget_id, seat
        self.src = f"{careless.provider.origin}/a.png"
        self.answer: Any = reply(picture(), content_type="image/png")
        plain = careless.provider.answer

        def answer(handler: Handler) -> None:
            (self.answer if handler.path == "/a.png" else plain)(handler)

        careless.provider.answer = answer

    @property
    def url(self) -> str:
        return card_addresses.of(
            fetch.wanted_for(queries.registry().gadgets[self.gadget_id], bundle=None, locale="ja", size="S")
        ).image(self.src)

    @property
    def asked(self) -> int:
        return len([seen for seen in self.careless.provider.seen if seen.path == "/a.png"])


@pytest.fixture
def shown(careless: Careless, desk: DeskFor, django_capture_on_commit_callbacks: Any) -> Shown:
    block = {"type": "image", "src": f"{careless.provider.origin}/a.png", "alt": "入口"}
    careless.card = card_document(blocks=[block])
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
    return Shown(careless, gadget_id, desk(None))


def test_the_card_names_our_address_and_the_browser_gets_our_copy(shown: Shown) -> None:
    page = shown.seat.page(reverse("gadgets_wire:card", args=[shown.gadget_id]))
    assert f'src="{shown.url}"' in page
    assert shown.src not in page
    answer = shown.seat.get(shown.url)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/webp"
    assert answer["Cache-Control"] == "public, max-age=86400, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert not answer.cookies
    assert opened(answer.content).format == "WEBP"
    assert shown.seat.get(shown.url).content == answer.content
    assert shown.asked == 1, "the second reader asks nobody"
    (seen,) = [seen for seen in shown.careless.provider.seen if seen.path == "/a.png"]
    assert not {"authorization", "cookie", "referer"} & set(seen.headers)


def test_who_is_signed_in_gets_the_same_and_nothing_about_them_is_looked_up(
    shown: Shown, desk: DeskFor, django_assert_num_queries: Any
) -> None:
    shown.seat.get(shown.url)
    seat = desk(cast.hanako())
    with django_assert_num_queries(0):
        answer = seat.get(shown.url)
    assert answer["Cache-Control"] == "public, max-age=86400, immutable"
    assert "Cookie" not in answer.get("Vary", "")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_every_format_is_made_anew_without_metadata(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    more: dict[str, Any] = {"comment": SECRET} if kind == "GIF" else {"exif": exif}
    raw = picture(kind, **more)
    assert SECRET in raw
    made = copies.made_anew(raw, "x")
    assert SECRET not in made
    copy = opened(made)
    assert (copy.format, copy.size) == ("WEBP", (40, 20))
    assert not dict(copy.getexif())


def test_a_turned_photo_stands_upright_and_a_large_one_becomes_small() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert opened(copies.made_anew(picture("JPEG", exif=exif), "x")).size == (20, 40)
    assert opened(copies.made_anew(picture("PNG", (3200, 100)), "x")).size == (1600, 50)


def test_what_is_clear_stays_clear_and_a_moving_picture_stands_still() -> None:
    assert opened(copies.made_anew(picture("PNG", mode="RGBA"), "x")).mode == "RGBA"
    out = io.BytesIO()
    frames = [Image.new("P", (8, 8), number) for number in range(3)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    assert getattr(opened(copies.made_anew(out.getvalue(), "x")), "n_frames", 1) == 1


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"", "PNG"),
        (b"GIF89a", "PNG"),
        (picture()[:60], "壊れ"),
        (picture("TIFF"), "PNG"),
        (picture("BMP"), "PNG"),
        (bomb(4001, 3000), "12000000"),
        (bomb(60_000, 60_000), "12000000"),
        (bomb(10_000, 10_000), "12000000"),
    ],
    ids=["svg", "empty", "head", "cut", "tiff", "bmp", "large", "huge", "bomb"],
)
def test_what_is_no_picture_or_too_large_is_refused_with_the_remedy(raw: bytes, says: str) -> None:
    with pytest.raises(ImageRefusedError) as caught:
        copies.made_anew(raw, "https://waste.example/a.png")
    assert says in caught.value.provider_message
    assert "https://waste.example/a.png" in caught.value.provider_message


def test_a_copy_that_stays_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "MAX_STORED", 10)
    with pytest.raises(ImageRefusedError):
        copies.made_anew(picture(), "x")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(b"<svg/>", content_type="image/svg+xml"), "wrong_content_type"),
        (reply(b"<svg/>", content_type="image/png"), "image_refused"),
        (reply(b"x" * (2 * 1024 * 1024 + 1), content_type="image/png"), "answer_too_large"),
        (reply(b"", status=302, headers={"Location": "http://localhost/"}), "redirect_refused"),
        (reply(b"", status=404), "bad_status"),
    ],
    ids=["svg", "lie", "large", "redirect", "missing"],
)
def test_what_cannot_be_had_is_told_to_the_provider_and_asked_once_a_minute(
    shown: Shown, answer: Any, code: str
) -> None:
    shown.answer = answer
    outcomes: list[FetchOutcome] = []

    def note(outcome: FetchOutcome, **_: Any) -> None:
        outcomes.append(outcome)

    card_fetched.connect(note)
    try:
        assert shown.seat.get(shown.url).status_code == 404
        assert shown.seat.get(shown.url).status_code == 404
    finally:
        card_fetched.disconnect(note)
    assert [(outcome.ok, outcome.code) for outcome in outcomes] == [(False, code)]
    assert shown.src in outcomes[0].detail
    assert shown.asked == 1


def test_only_addresses_that_we_signed_are_fetched(shown: Shown, careless: Careless) -> None:
    own = shown.url
    for address in (own[:-3], own.replace(shown.gadget_id, "a.b.c"), own + "x"):
        assert shown.seat.get(address).status_code == 404
    signed = card_addresses._signer("other.gadget").sign_object(shown.src)
    assert shown.seat.get(reverse("gadgets_wire:image", args=[shown.gadget_id, signed])).status_code == 404
    signed = card_addresses._signer(shown.gadget_id).sign_object(["x"])
    assert shown.seat.get(reverse("gadgets_wire:image", args=[shown.gadget_id, signed])).status_code == 404
    assert shown.asked == 0


@pytest.mark.parametrize(
    ("gadget", "src"),
    [
        (info(identity="pairwise"), "https://waste.example/a.png"),
        (info(), "https://evil.example/a.png"),
        (info(kind="link", endpoints={"login": "https://waste.example/oidc/start"}), "x"),
    ],
    ids=["pairwise", "elsewhere", "no origin"],
)
def test_what_the_published_version_does_not_allow_is_not_fetched(gadget: Any, src: str) -> None:
    assert not copies.allowed(gadget, src)
    assert copies.copy_of(gadget, src) is None


def test_an_image_of_the_version_before_is_there_as_long_as_some_have_that_version(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, held = shown.url, queries.registry()
    before = held.gadgets[shown.gadget_id]
    now = dataclasses.replace(before, card_url="https://moved.example/card", link_origins=())
    moved = dataclasses.replace(held, gadgets={shown.gadget_id: now}, earlier={})
    hold(monkeypatch, moved)
    assert shown.seat.get(url).status_code == 404
    both = dataclasses.replace(moved, earlier={shown.gadget_id: Earlier(before)})
    hold(monkeypatch, both)
    assert shown.seat.get(url).status_code == 200


def test_two_readers_at_the_same_time_cause_one_fetch(shown: Shown) -> None:
    gadget = queries.registry().gadgets[shown.gadget_id]
    import hashlib

    key = f"image:{gadget.id}:{hashlib.sha256(shown.src.encode()).hexdigest()}"
    cache.add(f"fetching-{key}", 1, 1)
    cache.set(key, b"made by the other", 5)
    assert copies.copy_of(gadget, shown.src) == b"made by the other"
    cache.delete(key)
    assert copies.copy_of(gadget, shown.src) is None, "the other one came to nothing in the time"
    assert shown.asked == 0


TOO_MUCH = {
    "scans": with_scans(5000),
    "segments": with_segments(image_work.MOST_PARTS + 1),
    "chunks": with_chunks(image_work.MOST_PARTS + 1),
    "pieces": in_pieces(200_000),
    "frames of a GIF": animated("GIF", image_work.MOST_FRAMES + 1),
    "frames of a WebP": animated("WEBP", image_work.MOST_FRAMES + 1),
    "frames of a PNG": animated("PNG", image_work.MOST_FRAMES + 2),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_an_image_that_asks_for_too_much_work_is_refused_before_anything_decodes_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = TOO_MUCH[name]
    assert len(raw) <= copies.MAX_BYTES, "the cap on bytes would let it pass"
    monkeypatch.setattr(copies, "_decoded", lambda *_: pytest.fail("a decoder was started"))
    work = image_work.counted(raw)
    assert work.scans <= image_work.MOST_SCANS + 1, "counting stops at the limit"
    assert work.parts <= image_work.MOST_PARTS + 1
    with pytest.raises(ImageRefusedError) as caught:
        copies.made_anew(raw, "https://waste.example/a.jpg")
    assert "上限" in caught.value.provider_message
    assert "書き出し直して" in caught.value.provider_message


@pytest.mark.parametrize(
    "raw",
    [
        with_scans(20),
        with_segments(300),
        with_chunks(300),
        animated("GIF", 100),
        animated("WEBP", 100),
        animated("PNG", 100),
        picture("JPEG", (2000, 1500), progressive=True),
    ],
    ids=["scans", "segments", "chunks", "GIF", "WebP", "APNG", "progressive"],
)
def test_what_cameras_and_programs_write_passes(raw: bytes) -> None:
    assert opened(copies.made_anew(raw, "x")).format == "WEBP"


@given(st.sampled_from(sorted(TOO_MUCH)), st.integers(0, 400), st.binary(max_size=30))
@settings(max_examples=200, deadline=None)
def test_counting_ends_whatever_the_bytes_are(name: str, at: int, put: bytes) -> None:
    raw = TOO_MUCH[name][:4000]
    image_work.counted(raw[:at] + put + raw[at:])


def test_the_system_ends_a_decoder_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of the processor is the system's: it holds also where a decoder never comes back."""
    monkeypatch.setattr(copies, "CPU_SECONDS", 1)
    monkeypatch.setattr(copies, "WALL_SECONDS", 60)
    monkeypatch.setattr(image_work, "MOST_SCANS", 10_000)
    raw = with_scans(400, (4000, 3000))
    assert len(raw) <= copies.MAX_BYTES * 20
    done = copies._decoded(raw, "x")
    assert done.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
    with pytest.raises(ImageRefusedError) as caught:
        copies.made_anew(raw, "x")
    assert "秒より長く" in caught.value.provider_message


def test_a_decoder_that_waits_is_ended_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "WALL_SECONDS", 0.001)
    with pytest.raises(ImageRefusedError) as caught:
        copies.made_anew(picture(), "x")
    assert "秒より長く" in caught.value.provider_message


def test_a_decoder_has_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "MEMORY_BYTES", 120 * 1024 * 1024)
    with pytest.raises(ImageRefusedError):
        copies.made_anew(picture("PNG", (3900, 3000)), "x")


def test_a_decoder_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, Any]] = []
    run = subprocess.run

    def noting(*arguments: Any, **more: Any) -> Any:
        started.append(more)
        return run(*arguments, **more)

    monkeypatch.setattr(subprocess, "run", noting)
    copies.made_anew(picture(), "x")
    assert [one["env"] for one in started] == [{}]
    assert [one["timeout"] for one in started] == [copies.WALL_SECONDS]


def test_without_a_place_among_the_decoders_nothing_is_said_of_the_image(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PLACE_SECONDS", 0.01)
    for _ in range(copies.DECODERS):
        assert copies._decoders.acquire(timeout=20)
    try:
        assert shown.seat.get(shown.url).status_code == 404
    finally:
        for _ in range(copies.DECODERS):
            copies._decoders.release()
    assert shown.seat.get(shown.url).status_code == 200
    assert shown.asked == 2


def test_refused_bytes_are_remembered_also_under_another_address(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    count = image_work.counted

    def noting(raw: bytes) -> image_work.Work:
        counted.append(len(raw))
        return count(raw)

    monkeypatch.setattr(image_work, "counted", noting)
    shown.answer = reply(TOO_MUCH["scans"], content_type="image/jpeg")
    assert shown.seat.get(shown.url).status_code == 404
    assert shown.seat.get(shown.url).status_code == 404
    assert (shown.asked, len(counted)) == (1, 1), "by its address"
    gadget = queries.registry().gadgets[shown.gadget_id]
    with pytest.raises(ImageRefusedError):
        copies._made_once(gadget, TOO_MUCH["scans"], "https://waste.example/another.jpg")
    assert len(counted) == 1, "by its bytes"
