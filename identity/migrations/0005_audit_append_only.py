"""The database refuses to change the audit chain; a receipt may be deleted only while its owner is being erased."""

from django.db import migrations

POSTGRES = (
    """
    CREATE OR REPLACE FUNCTION identity_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND current_setting('madoguchi.erasing', true) = OLD.resident_id::text THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'the consent ledger is append-only' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE FUNCTION identity_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit chain is append-only' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER identity_audit_append_only BEFORE UPDATE OR DELETE ON identity_auditentry
    FOR EACH ROW EXECUTE FUNCTION identity_audit_append_only()
    """,
)
# No trigger on DELETE here: SQLite has no TRUNCATE, and the tests empty their tables by DELETE.
SQLITE = (
    """
    CREATE TRIGGER identity_audit_append_only BEFORE UPDATE ON identity_auditentry
    BEGIN SELECT RAISE(ABORT, 'the audit chain is append-only'); END
    """,
)
UNDO = {
    "postgresql": (
        "DROP TRIGGER identity_audit_append_only ON identity_auditentry",
        "DROP FUNCTION identity_audit_append_only()",
    ),
    "sqlite": ("DROP TRIGGER identity_audit_append_only",),
}


def forwards(apps, schema_editor):  # noqa: ARG001
    for statement in {"postgresql": POSTGRES, "sqlite": SQLITE}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def backwards(apps, schema_editor):  # noqa: ARG001
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("identity", "0004_regional_id_in_full")]
    operations = [migrations.RunPython(forwards, backwards)]
