"""One table of version numbers; each package copies its own into it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0001_sweep_faults")]

    operations = [
        migrations.CreateModel(
            name="Version",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("number", models.PositiveBigIntegerField(default=0)),
            ],
        ),
    ]
