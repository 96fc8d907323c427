"""What an import knows of an event gets a table of its own."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("content", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="ListedEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("publisher", models.CharField(max_length=64)),
                ("dataset", models.CharField(max_length=64)),
                ("number", models.CharField(blank=True, max_length=64)),
                ("key", models.CharField(max_length=64, unique=True)),
                ("values", models.JSONField(default=dict)),
                ("digest", models.CharField(blank=True, max_length=64)),
                ("gone_at", models.DateTimeField(null=True)),
                ("taken_down", models.BooleanField(default=False)),
                (
                    "page",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="listed",
                        to="content.eventpage",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["publisher", "dataset"], name="listed_by_dataset")],
            },
        ),
    ]
