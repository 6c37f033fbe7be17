"""The database agrees with the code: a version stays as it was, a grant is of a read, a use is of what was granted."""

from django.db import migrations

FORWARD = """
ALTER TABLE template_grants ADD CONSTRAINT grant_repeats_access
    FOREIGN KEY (version_id, access) REFERENCES template_versions (id, access);

CREATE FUNCTION template_version_is_frozen() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'A version of a template stays as it was; a change makes a new one.'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER template_version_is_frozen BEFORE UPDATE ON template_versions
    FOR EACH ROW EXECUTE FUNCTION template_version_is_frozen();

CREATE FUNCTION grant_is_frozen() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'What was approved in advance stays as it was; it can only end.'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER grant_is_frozen BEFORE UPDATE OF public_id, template_id, version_id, access, digest, target_id,
        target_mark, login_mark, tables, approver_id, approver_membership, runs_a_day, runs_a_person, until,
        for_everyone, granted_at
    ON template_grants FOR EACH ROW EXECUTE FUNCTION grant_is_frozen();
CREATE TRIGGER grant_stays_ended BEFORE UPDATE ON template_grants
    FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION grant_is_frozen();

CREATE FUNCTION template_use_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'What was asked with a template stays.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER template_use_stays BEFORE UPDATE OR DELETE ON template_uses
    FOR EACH ROW EXECUTE FUNCTION template_use_stays();
"""

BACKWARD = """
DROP TRIGGER template_use_stays ON template_uses;
DROP FUNCTION template_use_stays();
DROP TRIGGER grant_stays_ended ON template_grants;
DROP TRIGGER grant_is_frozen ON template_grants;
DROP FUNCTION grant_is_frozen();
DROP TRIGGER template_version_is_frozen ON template_versions;
DROP FUNCTION template_version_is_frozen();
ALTER TABLE template_grants DROP CONSTRAINT grant_repeats_access;
"""


class Migration(migrations.Migration):
    dependencies = [("queries", "0030_templates")]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
