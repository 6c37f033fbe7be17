"""Make its tables, a person who is signed in, and the queries; print `{"session": …, "queries": {sql: id}}`.

Statements come as arguments.
"""

import json
import sys

import django
from django.core.management import call_command

django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth import get_user_model  # noqa: E402 -- only now is there a registry of models
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from explorer.models import DatabaseConnection, Query  # type: ignore[import-not-found]  # noqa: E402  not in our environment

person = get_user_model().objects.create_superuser("bench")
session = SessionStore()
session["_auth_user_id"] = str(person.pk)
session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
session["_auth_user_hash"] = person.get_session_auth_hash()
session.create()
flights, _ = DatabaseConnection.objects.get_or_create(alias="flights", engine=DatabaseConnection.DJANGO)
queries = {
    statement: Query.objects.create(title=statement, sql=statement, database_connection=flights).pk
    for statement in sys.argv[1:]
}
print("\n" + json.dumps({"session": session.session_key, "queries": queries}))
