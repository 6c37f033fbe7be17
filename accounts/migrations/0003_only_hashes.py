"""Sessions and refresh tokens that stand as they are, and names typed at the sign-in, go: everybody signs in again."""

from django.db import migrations

KEPT_IN_THE_CLEAR = (
    ("sessions", "Session"),
    ("token_blacklist", "BlacklistedToken"),
    ("token_blacklist", "OutstandingToken"),
    ("axes", "AccessAttempt"),
    ("axes", "AccessFailureLog"),
    ("axes", "AccessLog"),
)


def forget(apps, _schema_editor):
    for app, model in KEPT_IN_THE_CLEAR:
        apps.get_model(app, model).objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_unlogged_counters'),
        ('sessions', '0001_initial'),
        ('token_blacklist', '0013_alter_blacklistedtoken_options_and_more'),
        ('axes', '0010_accessattemptexpiration'),
    ]

    operations = [
        migrations.RunPython(forget, migrations.RunPython.noop, elidable=True),
    ]
