"""Rate counters need not survive a crash: an unlogged table costs no write-ahead log."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE rate_counters SET UNLOGGED",
            reverse_sql="ALTER TABLE rate_counters SET LOGGED",
        ),
    ]
