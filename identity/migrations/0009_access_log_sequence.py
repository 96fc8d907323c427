"""The access log becomes the record of releases: a sequence for each resident, and hashes that outlive their rows.

Nothing is written into rows that exist: those of the release before get their number from the next sweep
(`identity.consent.access_log.seal`), so that this runs while the old program still writes.
"""

from django.db import migrations, models

POSTGRES = (
    """
    CREATE FUNCTION identity_access_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.seal IS NOT NULL OR (OLD.number IS NOT NULL AND NEW.number IS DISTINCT FROM OLD.number)
            OR ROW(NEW.id, NEW.resident_id, NEW.recipient, NEW.items, NEW.via, NEW.at, NEW.version)
            IS DISTINCT FROM ROW(OLD.id, OLD.resident_id, OLD.recipient, OLD.items, OLD.via, OLD.at, OLD.version)
        THEN
            RAISE EXCEPTION 'the access log is append-only' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER identity_access_unchanged BEFORE UPDATE ON identity_accesslog
    FOR EACH ROW EXECUTE FUNCTION identity_access_unchanged()
    """,
    """
    CREATE FUNCTION identity_sealed_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the hashes of the access log are append-only' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER identity_sealed_append_only BEFORE UPDATE OR DELETE ON identity_sealedaccess
    FOR EACH ROW EXECUTE FUNCTION identity_sealed_append_only()
    """,
)
# No trigger on DELETE here: SQLite has no TRUNCATE, and the tests empty their tables by DELETE.
SQLITE = (
    """
    CREATE TRIGGER identity_access_unchanged BEFORE UPDATE ON identity_accesslog
    WHEN OLD.seal IS NOT NULL OR (OLD.number IS NOT NULL AND NEW.number IS NOT OLD.number)
        OR NEW.id IS NOT OLD.id OR NEW.resident_id IS NOT OLD.resident_id OR NEW.recipient IS NOT OLD.recipient
        OR NEW.items IS NOT OLD.items OR NEW.via IS NOT OLD.via OR NEW.at IS NOT OLD.at
        OR NEW.version IS NOT OLD.version
    BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END
    """,
    """
    CREATE TRIGGER identity_sealed_append_only BEFORE UPDATE ON identity_sealedaccess
    BEGIN SELECT RAISE(ABORT, 'the hashes of the access log are append-only'); END
    """,
)
UNDO = {
    "postgresql": (
        "DROP TRIGGER identity_access_unchanged ON identity_accesslog",
        "DROP FUNCTION identity_access_unchanged()",
        "DROP TRIGGER identity_sealed_append_only ON identity_sealedaccess",
        "DROP FUNCTION identity_sealed_append_only()",
    ),
    "sqlite": ("DROP TRIGGER identity_access_unchanged", "DROP TRIGGER identity_sealed_append_only"),
}


def forwards(apps, schema_editor):  # noqa: ARG001
    for statement in {"postgresql": POSTGRES, "sqlite": SQLITE}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def backwards(apps, schema_editor):  # noqa: ARG001
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("identity", "0008_consent_terms")]

    operations = [
        migrations.AddField(
            model_name="resident",
            name="sequence",
            field=models.PositiveBigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="consentreceipt", name="number", field=models.PositiveBigIntegerField(null=True)
        ),
        migrations.AddConstraint(
            model_name="consentreceipt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("number", None), _negated=True),
                fields=("resident", "number"),
                name="one_receipt_per_number",
            ),
        ),
        migrations.AddField(
            model_name="accesslog", name="number", field=models.PositiveBigIntegerField(null=True)
        ),
        migrations.AddField(
            model_name="accesslog", name="version", field=models.PositiveBigIntegerField(null=True)
        ),
        migrations.AddField(
            model_name="accesslog",
            name="nonce",
            field=models.CharField(blank=True, db_default="", default="", max_length=32),
        ),
        migrations.AddField(model_name="accesslog", name="seal", field=models.BigIntegerField(null=True)),
        migrations.AddConstraint(
            model_name="accesslog",
            constraint=models.UniqueConstraint(
                condition=models.Q(("number", None), _negated=True),
                fields=("resident", "number"),
                name="one_release_per_number",
            ),
        ),
        migrations.AddIndex(
            model_name="accesslog",
            index=models.Index(condition=models.Q(("seal", None)), fields=["id"], name="access_unsealed"),
        ),
        migrations.CreateModel(
            name="SealedAccess",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("seal", models.BigIntegerField(db_index=True)),
                ("handle", models.UUIDField(db_index=True)),
                ("number", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
            ],
        ),
        migrations.RunPython(forwards, backwards),
    ]
