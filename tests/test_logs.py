"""The watch over the logs finds what it is there for, and never repeats it."""

import logging
from pathlib import Path

import pytest

from tests import logs

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f"sent {TOKEN}", "a token"),
        ("Authorization: Bearer abcdefghijklmnopqrstuv", "a bearer token"),
        ("GET /sign-in/callback?state=x&code=abc.def", "a code or token in an address"),
        ("mail to hanako@example.jp failed", "an e-mail address"),
        ("from 203.0.113.9:443", "a network address"),
        ("高松 花子 signed in", "somebody's name"),
        ("tried madoguchi-demo", "a password"),
        ("zone of busshozan", "somebody's district"),
    ],
)
def test_each_kind_is_found_and_not_repeated(line: str, kind: str) -> None:
    (found,) = logs.found_in([line])
    assert found == f"line 1: {kind}"


@pytest.mark.parametrize(
    "line",
    [
        "listening at 127.0.0.1:8000 and 0.0.0.0:80",
        "Keycloak 26.7.0 on JVM (powered by Quarkus 3.33.2.1) started in 9.1s",
        "sign-in refused: MismatchingStateError",
        "gadget localhost.waste.calendar: Timeout",
    ],
)
def test_ordinary_lines_are_left_alone(line: str) -> None:
    assert list(logs.found_in([line])) == []


def test_the_watch_hears_every_logger_and_traces_too() -> None:
    watch = logs.Watch()
    root = logging.getLogger("tests.a.room.of.its.own")
    root.propagate = False  # the watch over this very test must not hear it
    root.addHandler(watch)
    try:
        raise ValueError(TOKEN)
    except ValueError:
        root.exception("failed")
    root.warning("to %s", "hanako@example.jp")
    assert [one.rpartition(": ")[2] for one in watch.found] == ["a token", "an e-mail address"]


def test_files_are_read_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "a.log").write_text(f"fine\n{TOKEN}\n")
    (tmp_path / "b.log").write_text("fine\n")
    assert logs.found_below(tmp_path) == ["web/a.log, line 2: a token"]
