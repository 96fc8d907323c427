"""The fixed cast of demo and tests, as pure data: who they are, what they agreed to; the region says where they live.

Every name is invented. Passwords are printed by the demo and are worth nothing elsewhere.
"""

from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.region.current import current_region
from demo import region_data
from identity.domain.attributes import Value


@dataclass(frozen=True, slots=True)
class Child:
    """A ward without an account, for whom a member of the cast acts."""

    id: UUID
    name: str
    school_year: str


@dataclass(frozen=True, slots=True)
class Person:
    """One member of the cast; `attributes` are those a resident sets, `opted_in` means personalised order."""

    key: str
    id: UUID
    username: str
    email: str
    display_name: str
    password: str
    story: str
    locale: str = "ja"
    roles: tuple[str, ...] = ()
    attributes: dict[str, Value] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)
    """What editors call this person among the personas, by language; only those with attributes are personas."""
    opted_in: bool = False
    children: tuple[Child, ...] = ()
    totp_key: str = ""
    """The key of the one-time codes of staff: 20 letters, as Keycloak keeps it; "" for residents and providers."""

    @property
    def totp_secret(self) -> str:
        """The same as an authenticator app takes it."""
        return b32encode(self.totp_key.encode()).decode()


def _person(key: str, number: int, name: str, story: str, **more: object) -> Person:
    return Person(
        key=key,
        id=UUID(f"00000000-0000-4000-8000-{number:012d}"),
        username=key,
        email=f"{key}@region.localhost",
        display_name=name,
        password="madoguchi-demo",  # noqa: S106  printed by the demo, worth nothing elsewhere
        story=story,
        **more,  # type: ignore[arg-type]
    )


def _staff(key: str, number: int, name: str, role: str, story: str) -> Person:
    """Somebody who works for the city: their desk opens after a second factor."""
    return _person(key, number, name, story, roles=(role,), totp_key=f"sample-{key}".ljust(20, "-"))


def _resident(key: str, number: int, at: int, **more: Any) -> Person:
    """Somebody who lives in the region: its demo data say where and under which name."""
    said = region_data.settings().get(key, {})
    example = current_region().example_districts[at]
    name, district = said.get("name", PLAIN[key]), said.get("district", example.code)
    attributes = {"area.district": district, **more.pop("attributes")}
    called = said.get("called", {"ja": f"{name}さん", "en": key.capitalize()})
    story = said.get("story", f"{example.name['ja']}に住む見本の住民。")
    children = tuple(
        Child(UUID(f"00000000-0000-4000-8000-0000000001{place:02d}"), child, year)
        for place, (child, year) in enumerate(
            zip(said.get("children", PLAIN_CHILDREN), more.pop("school_years", ()), strict=False), start=1
        )
    )
    return _person(
        key,
        number,
        name,
        story,
        attributes=attributes,
        called=called,
        children=children,
        opted_in=True,
        **more,
    )


PLAIN = {"hanako": "花子", "taro": "太郎", "linh": "リン"}
PLAIN_CHILDREN = ("はな", "そら")
HANAKO = _resident(
    "hanako",
    1,
    0,
    attributes={
        "age_band": "35-44",
        "household.school_years": ("preschool", "e3"),
        "language": "ja",
        "interests": ("childcare", "music"),
    },
    school_years=("e3", "preschool"),
)
TARO = _resident(
    "taro",
    2,
    1,
    attributes={
        "age_band": "75+",
        "household.has_child": False,
        "language": "ja",
        "interests": ("elderly", "health"),
    },
)
LINH = _resident(
    "linh",
    3,
    2,
    locale="en",
    attributes={"age_band": "25-34", "language": "en", "interests": ("work", "foreigners")},
)
EDITOR = _staff("editor", 11, "広報 編子", "editor", "市の広報課で記事を書く。")
OPERATOR = _staff("operator", 12, "運用 守", "operator", "ガジェットを審査し、公開と停止を決める。")
SECOND_OPERATOR = _staff(
    "operator2", 13, "運用 望", "operator", "もう一人の運用者。保護の解除は二人で決める。"
)
HEAD = _staff("head", 14, "課長 直子", "section_head", "広報課の課長。公開の前に目を通す。")
ALERT_OFFICER = _staff("alert1", 15, "防災 進", "alert_officer", "危機管理課で緊急のお知らせを出す。")
SECOND_ALERT_OFFICER = _staff(
    "alert2", 16, "防災 涼", "alert_officer", "緊急のお知らせを確かめるもう一人の担当者。"
)
CASE_OFFICER = _staff("officer", 17, "業務 勉", "case_officer", "市民からの申請や相談を受け持つ担当者。")
COUNTER_CLERK = _staff("clerk", 18, "受付 結", "counter_clerk", "支所の窓口で手続きを手伝う。")
AUDITOR = _staff("auditor", 19, "監査 明", "auditor", "記録が正しく残っているかを確かめる。")
WASTECO = _person(
    "wasteco", 21, "WasteCo 担当", "ごみ収集日のガジェットを提供する会社の担当者。", roles=("provider",)
)
BUSCO = _person("busco", 22, "BusCo 担当", "四つ目のガジェットを登録する会社の担当者。", roles=("provider",))

RESIDENTS = (HANAKO, TARO, LINH)
STAFF = (
    EDITOR, OPERATOR, SECOND_OPERATOR, HEAD, ALERT_OFFICER, SECOND_ALERT_OFFICER, CASE_OFFICER, COUNTER_CLERK,
    AUDITOR,
)  # fmt: skip
CAST: dict[str, Person] = {person.key: person for person in (*RESIDENTS, *STAFF, WASTECO, BUSCO)}
