"""What a guardianship's decision needs, and the one-time codes by which a family shares one.

Nothing wrote a guardianship before this, so that the unique reference needs no value for older rows.
"""

import secrets

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def reference() -> str:
    return "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(8))


class Migration(migrations.Migration):
    dependencies = [("identity", "0005_audit_append_only")]

    operations = [
        migrations.AddField(
            model_name="guardianship",
            name="reference",
            field=models.CharField(default=reference, max_length=12, unique=True),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="guardianship",
            name="reason",
            field=models.CharField(blank=True, default="", max_length=32),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="guardianship",
            name="agreed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="HouseholdCode",
            fields=[
                ("sha256", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("expires_at", models.DateTimeField()),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="household_codes_made",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ward",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="household_codes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("ward", "made_by"), name="one_code_at_a_time")
                ],
            },
        ),
    ]
