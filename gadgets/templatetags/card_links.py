"""Where a link of a card leads, as a reader can check it."""

from urllib.parse import urlsplit

from django import template

register = template.Library()


@register.filter
def host_of(url: str) -> str:
    """The host of an address, with its port where one is written."""
    return urlsplit(url).netloc.rpartition("@")[2]
