"""Under each entry of the list: why it stands there, what to change, and how to see less of its topics."""

from django.urls import reverse

from core.texts import pick
from identity.domain.attributes import TOPICS, label, value_label
from identity.errors import UnknownAttribute
from portal.home.page.compose import HomeView, Listed, Mode
from portal.home.page.fragments import draw
from portal.home.page.page_template import slot
from recommender.domain.explain import Reason
from recommender.domain.sentences import sentence


def change_url(key: str, mode: Mode) -> str:
    """Where the attribute behind a reason is changed."""
    if not key:
        return ""
    if mode != "resident":
        return "#guest"
    # The waste zone follows from the district.
    name = "area.district" if key == "area.waste_zone" else key
    return f"{reverse('mydata:attributes')}#{name.replace('.', '-')}"


def why(view: HomeView, listed: Listed, csrf: str) -> str:
    """The reasons, each drawn once, and the way to see less of the entry's topics."""
    reader, lines = view.reader, []
    for reason in listed.reasons:
        key = (reader.locale, "why", reader.mode, reason.code, reason.change_key, *reason.params.items())
        found = view.catalogue.drawn.get(key)
        if found is None:
            context = {"line": _reason(reason, reader.locale, reader.mode)}
            found = draw(view, key[1:], "home/_why.html", context)
        lines.append(found.fill({}))
    return f"<ul>{''.join(lines)}</ul>{_less(view, listed, csrf)}"


def _less(view: HomeView, listed: Listed, csrf: str) -> str:
    """For residents with the personalised order: less of a topic of this entry, but for those that already are."""
    reader = view.reader
    if reader.mode != "resident" or not reader.personalised:
        return ""
    avoided = reader.attributes.get("avoids")
    less = avoided if isinstance(avoided, tuple) else ()
    found_topics = dict.fromkeys(view.catalogue.entries[listed.row].item.topics)
    topics = tuple(topic for topic in found_topics if topic in TOPICS and topic not in less)
    if not topics:
        return ""
    key = (reader.locale, "less", topics)
    found = view.catalogue.drawn.get(key)
    if found is None:
        names = [(code, pick(TOPICS[code], reader.locale)) for code in topics]
        found = draw(view, key[1:], "home/_less.html", {"topics": names, "slot": {"csrf": slot("csrf")}})
    return found.fill({"csrf": csrf})


def _reason(reason: Reason, locale: str, mode: Mode) -> dict[str, str]:
    try:
        subject = label(reason.change_key, locale) if reason.change_key else ""
    except UnknownAttribute:
        subject = ""
    return {
        "text": sentence(reason, locale, value_label),
        "url": change_url(reason.change_key, mode),
        "subject": subject,
    }
