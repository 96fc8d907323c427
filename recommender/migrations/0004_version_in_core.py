"""The version number moves to the table of `core`. The old table stays for one release, so that a roll-back works."""

from typing import Any

from django.db import migrations


def copy(apps: Any, schema_editor: Any) -> None:
    using = schema_editor.connection.alias
    new = apps.get_model("core", "Version").objects.using(using)
    for row in apps.get_model("recommender", "RankingVersion").objects.using(using).all():
        new.update_or_create(key=row.key, defaults={"number": row.number})


class Migration(migrations.Migration):
    dependencies = [("core", "0002_versions"), ("recommender", "0003_shares")]

    operations = [
        migrations.RunPython(copy, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel(name="RankingVersion")]),
    ]
