"""The database itself refuses to change an entry of the consent ledger (and, on PostgreSQL, to delete one)."""

from django.db import migrations

POSTGRES = (
    """
    CREATE FUNCTION identity_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the consent ledger is append-only' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER identity_ledger_append_only BEFORE UPDATE OR DELETE ON identity_consentreceipt
    FOR EACH ROW EXECUTE FUNCTION identity_ledger_append_only()
    """,
)
# No trigger on DELETE here: SQLite has no TRUNCATE, and the tests empty their tables by DELETE.
SQLITE = (
    """
    CREATE TRIGGER identity_ledger_append_only BEFORE UPDATE ON identity_consentreceipt
    BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END
    """,
)
UNDO = {
    "postgresql": (
        "DROP TRIGGER identity_ledger_append_only ON identity_consentreceipt",
        "DROP FUNCTION identity_ledger_append_only()",
    ),
    "sqlite": ("DROP TRIGGER identity_ledger_append_only",),
}


def forwards(apps, schema_editor):  # noqa: ARG001
    for statement in {"postgresql": POSTGRES, "sqlite": SQLITE}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def backwards(apps, schema_editor):  # noqa: ARG001
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("identity", "0002_embedded_provider")]
    operations = [migrations.RunPython(forwards, backwards)]
