"""The fixed cast of demo and tests, as pure data: who they are, where they live, what they agreed to.

Every name is invented. Passwords are printed by the demo and are worth nothing elsewhere.
"""

from dataclasses import dataclass, field
from uuid import UUID

from identity.attributes import Value


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
    opted_in: bool = False
    children: tuple[Child, ...] = ()


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


HANAKO = _person(
    "hanako",
    1,
    "高松 花子",
    "仏生山に住む親。小学3年と就学前の子どもがいる。",
    attributes={
        "area.district": "busshozan",
        "age_band": "35-44",
        "household.school_years": ("preschool", "e3"),
        "language": "ja",
        "interests": ("childcare", "music"),
    },
    opted_in=True,
    children=(
        Child(UUID("00000000-0000-4000-8000-000000000101"), "高松 はな", "e3"),
        Child(UUID("00000000-0000-4000-8000-000000000102"), "高松 そら", "preschool"),
    ),
)
TARO = _person(
    "taro",
    2,
    "屋島 太郎",
    "屋島に住む78歳。一人暮らし。",
    attributes={
        "area.district": "yashima",
        "age_band": "75+",
        "household.has_child": False,
        "language": "ja",
        "interests": ("elderly", "health"),
    },
    opted_in=True,
)
LINH = _person(
    "linh",
    3,
    "グエン・リン",
    "栗林に住んで働く。英語とやさしい日本語を読む。",
    locale="en",
    attributes={
        "area.district": "ritsurin",
        "age_band": "25-34",
        "language": "en",
        "interests": ("work", "foreigners"),
    },
    opted_in=True,
)
EDITOR = _person("editor", 11, "広報 編子", "市の広報課で記事を書く。", roles=("editor",))
OPERATOR = _person("operator", 12, "運用 守", "ガジェットを審査し、公開と停止を決める。", roles=("operator",))
WASTECO = _person(
    "wasteco", 21, "WasteCo 担当", "ごみ収集日のガジェットを提供する会社の担当者。", roles=("provider",)
)
BUSCO = _person("busco", 22, "BusCo 担当", "四つ目のガジェットを登録する会社の担当者。", roles=("provider",))

RESIDENTS = (HANAKO, TARO, LINH)
CAST: dict[str, Person] = {person.key: person for person in (*RESIDENTS, EDITOR, OPERATOR, WASTECO, BUSCO)}
