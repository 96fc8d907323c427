"""Takes a person out of what Wagtail keeps beside its foreign keys: revisions, log entries, references, a picture."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast
from wagtail.models import ModelLogEntry, ReferenceIndex, Revision
from wagtail.users.models import UserProfile


def forget_author(resident_id: UUID) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """In the caller's transaction, before the person's row goes: (rows deleted, rows left unnamed) by table.

    Pages, revisions and their history are the city's work and stay; comments between editors go with their author.
    """
    deleted: Counter[str] = Counter()
    person = ContentType.objects.get_for_model(get_user_model())
    about = ModelLogEntry.objects.filter(content_type=person, object_id=str(resident_id))
    deleted[ModelLogEntry._meta.db_table] += about.delete()[0]
    references = ReferenceIndex.objects.filter(to_content_type=person, to_object_id=str(resident_id))
    deleted[ReferenceIndex._meta.db_table] += references.delete()[0]
    _forget_picture(resident_id)
    changed = _unname_revisions(str(resident_id))
    return +deleted, ({Revision._meta.db_table: changed} if changed else {})


def _forget_picture(resident_id: UUID) -> None:
    profile = UserProfile.objects.filter(user_id=resident_id).first()
    if profile is not None and profile.avatar:
        storage, name = profile.avatar.storage, profile.avatar.name
        transaction.on_commit(lambda: storage.delete(name))


def _unname_revisions(name: str) -> int:
    """A revision is a copy of its page: owner, lock and comments stand in it as text."""
    rows = Revision.objects.annotate(text=Cast("content", TextField())).filter(text__contains=name)
    changed = 0
    for row in rows.only("pk", "content").iterator(chunk_size=50):
        changed += Revision.objects.filter(pk=row.pk).update(content=without(row.content, name))
    return changed


def without(value: Any, name: str) -> Any:
    """The same document without `name`; comments and replies of that author are left out whole."""
    if isinstance(value, dict):
        return {key: without(part, name) for key, part in value.items()}
    if isinstance(value, list):
        kept = (part for part in value if not (isinstance(part, dict) and part.get("user") == name))
        return [without(part, name) for part in kept]
    return None if value == name else value
