"""Values as HTML wants them: a time that machines read, a name that anchors and scripts can address."""

from datetime import date, datetime


def machine_time(value: date | datetime | None) -> str:
    """For `<time datetime>`: whole seconds, or minutes where there are none; HTML knows no microseconds."""
    if value is None:
        return ""
    if not isinstance(value, datetime):
        return value.isoformat()
    return value.isoformat(timespec="seconds" if value.second else "minutes")


def html_id(text: str) -> str:
    """A gadget's id as a part of an `id`: a dot would begin a class in a selector. Ids of gadgets have no `_`."""
    return text.replace(".", "_")
