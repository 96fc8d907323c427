"""Whose name was verified, who may speak of danger, what residents reported.

Organisations with a published gadget keep their name: operators have read it when they approved. Nobody may speak of
danger until an operator says so; until then such a notice is drawn as a warning.
"""

import django.db.models.deletion
import django.utils.timezone
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F
from django.utils import timezone


def keep_names(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    provider = apps.get_model("gadgets", "Provider")
    gadget = apps.get_model("gadgets", "Gadget")
    known = gadget.objects.filter(published__isnull=False).values("provider")
    provider.objects.filter(pk__in=known).update(verified_name=F("name"), verified_at=timezone.now())


class Migration(migrations.Migration):
    dependencies = [
        ("gadgets", "0007_tries_of_check_runs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="provider",
            name="may_alert",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="provider",
            name="verified_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="provider",
            name="verified_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="provider",
            name="verified_name",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AlterField(
            model_name="reviewnote",
            name="decision",
            field=models.CharField(
                choices=[
                    ("registered", "Registered"),
                    ("checked", "Checked"),
                    ("submitted", "Submitted"),
                    ("approved", "Approved"),
                    ("refused", "Refused"),
                    ("suspended", "Suspended"),
                    ("resumed", "Resumed"),
                    ("retired", "Retired"),
                    ("rotated", "Rotated"),
                    ("message", "Message"),
                    ("rolled_back", "Rolled Back"),
                    ("shared", "Shared"),
                    ("announced", "Announced"),
                    ("warned", "Warned"),
                    ("imported", "Imported"),
                    ("maintenance", "Maintenance"),
                    ("contract", "Contract"),
                    ("verified", "Verified"),
                ],
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="CardReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.CharField(blank=True, max_length=32)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("pretends", "Pretends"),
                            ("alarms", "Alarms"),
                            ("asks", "Asks"),
                            ("wrong", "Wrong"),
                            ("other", "Other"),
                        ],
                        max_length=8,
                    ),
                ),
                ("words", models.CharField(blank=True, max_length=300)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "gadget",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reports",
                        to="gadgets.gadget",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["gadget", "settled_at"], name="card_reports_open")],
            },
        ),
        migrations.RunPython(keep_names, migrations.RunPython.noop),
    ]
