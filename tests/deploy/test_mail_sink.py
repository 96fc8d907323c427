"""The mail server of the tests takes what Django sends, and keeps it whole and readable."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection

from tests.services import mail
from tests.services.ports import free_ports


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A running server; its port."""
    port = free_ports()
    monkeypatch.setenv("MAIL_FOLDER", str(tmp_path))
    with mail._Server(port, tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield port
        server.shutdown()
        thread.join()


def send(port: int, to: str, text: str, html: str = "") -> None:
    connection = get_connection("django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=port)
    message = EmailMultiAlternatives("件名", text, "no-reply@region.localhost", [to], connection=connection)
    if html:
        message.attach_alternative(html, "text/html")
    message.send()


def test_a_mail_is_kept_as_it_was_written(sink: int) -> None:
    send(
        sink,
        "hanako@region.localhost",
        "一行目\n.\n..三行目 http://id.region.localhost/a?b=1&c=2\n",
        "<p>html</p>",
    )
    found = mail.wait_for("Hanako@region.localhost")
    assert found["Subject"] == "件名"
    assert mail.text(found).splitlines()[:3] == [
        "一行目",
        ".",
        "..三行目 http://id.region.localhost/a?b=1&c=2",
    ]
    assert mail.link(found) == "http://id.region.localhost/a?b=1&c=2"


def test_mails_are_told_apart_by_their_address_and_stand_in_order(sink: int) -> None:
    for text in ("first", "second"):
        send(sink, "hanako@region.localhost", text)
        send(sink, "taro@region.localhost", f"{text} of taro")
    assert [mail.text(one).strip() for one in mail.received("hanako@region.localhost")] == ["first", "second"]
    assert mail.received("linh@region.localhost") == []
    assert mail.text(mail.wait_for("taro@region.localhost", after=1)).strip() == "second of taro"


def test_a_mail_that_does_not_come_is_a_failure_in_words(sink: int) -> None:
    with pytest.raises(AssertionError, match="no mail number 1 to nobody"):
        mail.wait_for("nobody@region.localhost", seconds=0.2)
