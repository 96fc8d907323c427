"""The river card: the newest level of a few stations, how old it is, and which threshold it reached."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from examples.kit import card
from examples.kit.card import Block, Texts, pick
from examples.kit.config import Config
from examples.kit.request_token import RequestToken
from examples.river.record import Reading, Station, level_of, next_change, reading

SOURCE = card.Source(
    publisher={
        "ja": "福井県の河川水位（Code for Fukui収集）を加工",
        "ja-simple": "福井県（ふくいけん）の 川の 水位（すいい）（Code for Fukui が あつめました）を 使いました",
        "en": "Adapted from river levels of Fukui Prefecture, collected by Code for Fukui",
    },
    licence="MIT",
    url="https://github.com/code4fukui/waterlevel_fukui",
    note={
        "ja": "2023年7月13日の記録を、今の時刻に合わせて再生しています。今の水位ではありません。",
        "ja-simple": "2023年7月13日の 記録（きろく）です。今の 川の 水位（すいい）では ありません。",
        "en": "The record of 13 July 2023, replayed at the present time of day. These are not present levels.",
    },
)
REPLAY: Texts = {
    "ja": "福井県 2023年7月13日の記録を再生",
    "ja-simple": "見本（みほん）です: 福井県（ふくいけん） 2023年7月13日の 記録（きろく）",
    "en": "Replay of the record of Fukui Prefecture, 13 July 2023",
}
LEVEL_NAMES: tuple[Texts, ...] = (
    {
        "ja": "基準の水位より低い",
        "ja-simple": "きまりの 水位（すいい）より 低（ひく）い",
        "en": "Below the set levels",
    },
    {
        "ja": "レベル1 水防団待機水位以上",
        "ja-simple": "レベル1 水防団待機水位（すいぼうだん たいき すいい）より 高（たか）い",
        "en": "Level 1: flood-fighting standby level reached",
    },
    {
        "ja": "レベル2 氾濫注意水位以上",
        "ja-simple": "レベル2 氾濫注意水位（はんらん ちゅうい すいい）より 高（たか）い",
        "en": "Level 2: flood watch level reached",
    },
    {
        "ja": "レベル3 避難判断水位以上",
        "ja-simple": "レベル3 避難判断水位（ひなん はんだん すいい）より 高（たか）い",
        "en": "Level 3: evacuation decision level reached",
    },
    {
        "ja": "レベル4 氾濫危険水位以上",
        "ja-simple": "レベル4 氾濫危険水位（はんらん きけん すいい）より 高（たか）い",
        "en": "Level 4: flood danger level reached",
    },
)
NO_LEVELS: Texts = {"ja": "基準なし", "ja-simple": "きまりの 水位（すいい）なし", "en": "No level is set"}
LAST_GOOD: Texts = {
    "ja": "値がありません。最後の値は{at}の{value} mです。",
    "ja-simple": "今は わかりません。最後（さいご）は {at}の {value} mです。",
    "en": "No value. The last one was {value} m at {at}.",
}
NO_VALUE: Texts = {"ja": "値がありません。", "ja-simple": "今は わかりません。", "en": "No value."}
ALARM: Texts = {
    "ja": "{station}: {level}",
    "ja-simple": "{station}: {level}",
    "en": "{station}: {level}",
}
MORE: Texts = {"ja": "、ほか{n}地点", "ja-simple": "、ほかに {n}つ", "en": ", and {n} more"}
SUMMARY: Texts = {
    "ja": "川の水位: {what}（記録の再生）",
    "ja-simple": "川の 水位（すいい）: {what}（記録（きろく）です）",
    "en": "River levels: {what} (replayed record)",
}
NONE_HIGH: Texts = {
    "ja": "新しい値で、氾濫注意水位以上の地点はありません",
    "ja-simple": "新（あたら）しい 数字（すうじ）で、氾濫注意水位（はんらん ちゅうい すいい）より 高（たか）い ところは ありません",
    "en": "no station with a current value has reached the flood watch level",
}
NONE_CURRENT: Texts = {
    "ja": "新しい値がありません",
    "ja-simple": "新（あたら）しい 数字（すうじ）が ありません",
    "en": "no current value",
}
THRESHOLDS: Texts = {
    "ja": "基準の水位（m）",
    "ja-simple": "きまりの 水位（すいい）（m）",
    "en": "Set levels (m)",
}
STATION: Texts = {"ja": "地点", "ja-simple": "ところ", "en": "Station"}
LEVEL: Texts = {"ja": "レベル{n}", "ja-simple": "レベル{n}", "en": "Level {n}"}
OPEN: Texts = {"ja": "観測所の一覧を開く", "ja-simple": "ぜんぶ 見る", "en": "Open the list of stations"}
LABEL: Texts = {"ja": "{station}の水位", "ja-simple": "{station}の 水位（すいい）", "en": "{station}"}
WATCH = 2
DANGER = 4
SHORT = 3


def make(stations: Sequence[Station], config: Config, token: RequestToken, now: datetime) -> dict[str, Any]:
    """The card for one request: the same for the same language, size and time."""
    locale = token.locale
    readings = [(station, reading(station, now)) for station in stations]
    shown = readings[:SHORT] if token.size == "S" else readings
    blocks: list[Block] = [card.notice("info", pick(REPLAY, locale)), *_alarms(readings, locale)]
    blocks += [_metric(station, one, locale) for station, one in shown]
    if token.size != "S":
        blocks.append(thresholds_table(stations, locale))
    blocks.append(card.actions([(pick(OPEN, locale), config.url("/"))]))
    return card.card(
        locale=locale,
        summary=summary(readings, locale),
        updated=max(one.observed for _, one in readings),
        valid_until=next_change(stations, now),
        source=SOURCE,
        blocks=blocks,
    )


def summary(readings: Sequence[tuple[Station, Reading]], locale: str) -> str:
    """One sentence; old and missing values say nothing of the river now."""
    high = sorted(_high(readings, locale), key=lambda one: -one[2])
    if high:
        station, words, _ = high[0]
        what = pick(ALARM, locale).format(station=station, level=words)
        if len(high) > 1:
            what += pick(MORE, locale).format(n=len(high) - 1)
    elif any(one.status == "current" for _, one in readings):
        what = pick(NONE_HIGH, locale)
    else:
        what = pick(NONE_CURRENT, locale)
    return pick(SUMMARY, locale).format(what=what)


def thresholds_table(stations: Sequence[Station], locale: str) -> Block:
    """The set levels of each station; where none is set, the table says so."""
    columns = [pick(STATION, locale), *(pick(LEVEL, locale).format(n=n) for n in range(1, 5))]
    rows = [
        [
            pick(station.name, locale),
            *(pick(NO_LEVELS, locale) if at is None else f"{at:.2f}" for at in station.thresholds),
        ]
        for station in stations
    ]
    return card.table(pick(THRESHOLDS, locale), columns, rows)


def note(station: Station, one: Reading, locale: str) -> str:
    """What a level means, in words."""
    if one.value is None:
        if one.last_good is None:
            return pick(NO_VALUE, locale)
        at, value = one.last_good
        return pick(LAST_GOOD, locale).format(at=f"{at:%H:%M}", value=f"{value:.2f}")
    if not station.has_thresholds:
        return pick(NO_LEVELS, locale)
    return pick(LEVEL_NAMES[level_of(station, one.value)], locale)


def _metric(station: Station, one: Reading, locale: str) -> Block:
    return card.metric(
        pick(LABEL, locale).format(station=pick(station.name, locale)),
        one.value,
        "m",
        observed=one.observed,
        status=one.status,
        note=note(station, one, locale),
    )


def _high(readings: Sequence[tuple[Station, Reading]], locale: str) -> list[tuple[str, str, int]]:
    out = []
    for station, one in readings:
        if one.status == "current" and one.value is not None:
            level = level_of(station, one.value)
            if level >= WATCH:
                out.append((pick(station.name, locale), pick(LEVEL_NAMES[level], locale), level))
    return out


def _alarms(readings: Sequence[tuple[Station, Reading]], locale: str) -> list[Block]:
    return [
        card.notice(
            "danger" if level >= DANGER else "warning",
            pick(ALARM, locale).format(station=station, level=words),
        )
        for station, words, level in _high(readings, locale)
    ]
