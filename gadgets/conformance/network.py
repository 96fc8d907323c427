"""Check 2: the provider's hosts are public and show a valid certificate."""

from collections.abc import Iterator

from gadgets.conformance.bench import Subject
from gadgets.conformance.environment import CALL_SECONDS, Environment
from gadgets.errors import DoorError
from gadgets.protocol import manifest as manifests
from gadgets.protocol.conformance_lines import Line, broken, fix, passed
from gadgets.protocol.manifest import Manifest


def check(subject: Subject, parsed: Manifest, env: Environment) -> Iterator[Line]:
    title = {"ja": "公開されたアドレスと TLS", "en": "Public address and TLS"}
    url = parsed.endpoints.health or subject.url
    place = "endpoints.health" if parsed.endpoints.health else subject.url
    try:
        target = env.door.check(url)
        env.door.fetch(url, deadline=CALL_SECONDS, max_bytes=manifests.MAX_BYTES, accept=(200, 204))
    except DoorError as error:
        yield fix(
            2,
            title,
            broken(error),
            {
                "ja": f"{place} を、誰でも到達できる https のアドレスにし、状態コード 200 か 204 を返してください。",
                "en": f"Let {place} be an https address that everybody can reach, and answer 200 or 204 there.",
            },
        )
        return
    if target.loopback:
        yield passed(
            2,
            title,
            {
                "ja": f"{target.host} は見本・試験用の例外（.localhost）として認めました。"
                "本番では https と公開アドレスが必要です。",
                "en": f"{target.host} is let in by the exception for demo and tests (.localhost). "
                "In production https and a public address are needed.",
            },
        )
    else:
        yield passed(
            2,
            title,
            {
                "ja": f"{target.host} は公開アドレスで、証明書も正しいものです。",
                "en": f"{target.host} has a public address and a valid certificate.",
            },
        )
