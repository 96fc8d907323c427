"""Finding pages by a word of their title, wherever in it the word stands: Japanese has no spaces between words.

The index finds what begins with the words that are asked for. So a title goes into it once from each of its signs on.
"""

import re
import unicodedata

from wagtail.models import Page

from portal.content.pages.published import published

LONGEST = 40
"""Signs of a title from one place on; a longer word is cut to it when it is asked for."""
MOST_READ = 500
"""Pages of one word at most, before those of other words are compared with them."""
_LETTERS = re.compile(r"[^\W_]+")
_JAPANESE = re.compile(r"[^\x00-ɏ]")


def folded(text: str) -> str:
    """One form for full and half width, capital and small letters."""
    return unicodedata.normalize("NFKC", text).casefold()


def endings(*titles: str) -> str:
    """Every word of the titles, and of a Japanese one also what is left of it from each of its signs on."""
    found: dict[str, None] = {}
    for word in (word for title in titles for word in _LETTERS.findall(folded(title))):
        for start in range(len(word)):
            if start == 0 or _JAPANESE.match(word[start]):
                found[word[start : start + LONGEST]] = None
    return " ".join(found)


def pages(query: str, *, most: int = 50) -> list[Page]:
    """Published pages whose title holds all words that are asked for, those that fit best first."""
    words = sorted({word[:LONGEST] for word in _LETTERS.findall(folded(query))}, key=len, reverse=True)
    if not words:
        return []
    # The index takes only the last word for the beginning of one, so each is asked for by itself; and it knows no
    # condition on other tables, so what is closed is left out afterwards.
    first, *others = (list(Page.objects.live().autocomplete(word)[:MOST_READ]) for word in words)
    everywhere = [{page.pk for page in found} for found in others]
    fitting = [page for page in first if all(page.pk in found for found in everywhere)]
    open_ones = set(published(Page).filter(pk__in=[page.pk for page in fitting]).values_list("pk", flat=True))
    return [page for page in fitting if page.pk in open_ones][:most]
