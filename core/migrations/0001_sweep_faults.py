"""The list of what failed in sweeps."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="SweepFault",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("job", models.CharField(max_length=64)),
                ("item", models.CharField(blank=True, max_length=255)),
                ("error", models.CharField(max_length=100)),
                ("tries", models.PositiveIntegerField(default=1)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["last_at"], name="sweep_fault_age")],
                "constraints": [models.UniqueConstraint(fields=("job", "item"), name="one_fault_per_item")],
            },
        ),
    ]
