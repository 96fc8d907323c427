"""Gadgets at level pairwise without `endpoints.login` get their pseudonyms: the sweep of clients looks at each once."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def due(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    gadget = apps.get_model("gadgets", "Gadget")
    gadget.objects.filter(state="published", client_id="").update(client_due=True)


class Migration(migrations.Migration):
    dependencies = [("gadgets", "0004_city_os_contracts")]

    operations = [migrations.RunPython(due, migrations.RunPython.noop)]
