"""A page no longer carries what only an import needs: a copy of a page is no event of a list."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("content", "0003_keep_imported_events")]

    operations = [
        migrations.RemoveField(model_name="eventpage", name="external_key"),
        migrations.RemoveField(model_name="eventpage", name="external_digest"),
    ]
