"""Imported events stay the same events: their keys move from the page to the table."""

from django.db import migrations

PUBLISHER, DATASET = "takamatsu", "events"  # the only list that imports knew before


def to_table(apps, _editor):
    listed = apps.get_model("content", "ListedEvent")
    pages = apps.get_model("content", "EventPage").objects.filter(external_key__isnull=False)
    rows = pages.values_list("pk", "external_key", "external_digest").iterator(chunk_size=500)
    listed.objects.bulk_create(
        (
            listed(page_id=pk, publisher=PUBLISHER, dataset=DATASET, key=key, digest=digest)
            for pk, key, digest in rows
        ),
        batch_size=500,
    )


def to_page(apps, _editor):
    pages = apps.get_model("content", "EventPage").objects
    for row in apps.get_model("content", "ListedEvent").objects.filter(page__isnull=False).iterator():
        pages.filter(pk=row.page_id).update(external_key=row.key, external_digest=row.digest)


class Migration(migrations.Migration):
    dependencies = [("content", "0002_listed_events")]

    operations = [migrations.RunPython(to_table, to_page)]
