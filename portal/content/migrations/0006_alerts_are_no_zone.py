"""What stands in the tables follows: the zone of alerts is taken out of homes, alerts without a district are for the
whole city, and what Wagtail brings along for a review that nobody does here goes."""

from typing import Any

from django.db import migrations
from wagtail.blocks.migrations.migrate_operation import MigrateStreamData
from wagtail.blocks.migrations.operations import RemoveStreamChildrenOperation

WORKFLOW = "Moderators approval"
GROUPS = ("Moderators", "Editors")


def whole_city(apps: Any, _schema_editor: Any) -> None:
    for page in apps.get_model("content", "AlertPage").objects.all():
        if not page.districts:
            apps.get_model("content", "AlertPage").objects.filter(pk=page.pk).update(whole_city=True)
    alerts = apps.get_model("contenttypes", "ContentType").objects.filter(
        app_label="content", model="alertpage"
    )
    for revision in apps.get_model("wagtailcore", "Revision").objects.filter(content_type__in=alerts):
        revision.content["whole_city"] = revision.content.get("districts") in ([], "[]", None)
        revision.save(update_fields=["content"])


def no_moderators(apps: Any, _schema_editor: Any) -> None:
    found = apps.get_model("wagtailcore", "Workflow").objects.filter(name=WORKFLOW)
    tasks = apps.get_model("wagtailcore", "Task").objects.filter(name=WORKFLOW)
    apps.get_model("wagtailcore", "WorkflowPage").objects.filter(workflow__in=found).delete()
    if apps.get_model("wagtailcore", "WorkflowState").objects.filter(workflow__in=found).exists():
        tasks.update(active=False)
        found.update(active=False)  # its history stays
    else:
        found.delete()
        tasks.delete()
    apps.get_model("auth", "Group").objects.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("content", "0005_alerts_and_gone_pages"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        MigrateStreamData(
            app_name="content",
            model_name="HomePage",
            field_name="zones",
            operations_and_block_paths=[(RemoveStreamChildrenOperation(name="alerts"), "")],
        ),
        migrations.RunPython(whole_city, migrations.RunPython.noop),
        migrations.RunPython(no_moderators, migrations.RunPython.noop),
    ]
