"""Owners of data are what operators decided: nobody is carried over who only wrote `provides` into a manifest.

What was agreed stays as it was agreed. What still waits for such an owner waits for nobody but the operator now.
"""

import django.db.models.deletion
import django.utils.timezone
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone


def ask_the_city(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    contract = apps.get_model("gadgets", "Contract")
    asked = contract.objects.filter(state="asked", owner__isnull=False)
    # A provider's contract about what it called its own was agreed to by nobody else.
    asked.update(owner=None, licence="", owner_agreed_at=None)
    now = timezone.now()
    for row in contract.objects.filter(state="asked", owner=None, operator_agreed_at__isnull=False):
        held = contract.objects.filter(
            consumer_id=row.consumer_id, entity_type=row.entity_type, state="agreed"
        )
        held.update(state="ended", ended_at=now)
        row.state, row.owner_agreed_at = "agreed", now
        row.save(update_fields=["state", "owner_agreed_at"])


class Migration(migrations.Migration):
    dependencies = [
        ("gadgets", "0005_pseudonyms_without_a_site"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DataOwner",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("entity_type", models.CharField(max_length=60, unique=True)),
                ("decided_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="data",
                        to="gadgets.provider",
                    ),
                ),
            ],
        ),
        migrations.RunPython(ask_the_city, migrations.RunPython.noop),
    ]
