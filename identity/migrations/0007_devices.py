"""Devices that are remembered, and mails about sign-ins from new ones, which outlive the session they tell of."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("identity", "0006_household")]

    operations = [
        migrations.RemoveField(model_name="oidcsession", name="notice"),
        migrations.AddField(
            model_name="knowndevice", name="remembered", field=models.BooleanField(default=False)
        ),
        migrations.CreateModel(
            name="SignInLetter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("label", models.CharField(blank=True, max_length=100)),
                ("signed_in_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("next_at", models.DateTimeField()),
                (
                    "resident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="letters",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["next_at"], name="letter_by_time")]},
        ),
    ]
