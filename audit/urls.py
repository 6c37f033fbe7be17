"""Addresses of the audit log."""

from django.urls import path

from audit import views

app_name = "audit"
urlpatterns = [
    path("", views.entries, name="list"),
    path("news/", views.news, name="news"),
    path("verify/", views.verify, name="verify"),
    path("public-key.pem", views.public_key, name="public_key"),
    path("checkpoints.jsonl", views.checkpoint_lines, name="checkpoints"),
    path("entries.csv", views.entries_file, {"form": "csv"}, name="entries_csv"),
    path("entries.jsonl", views.entries_file, {"form": "jsonl"}, name="entries_jsonl"),
    path("log.jsonl", views.log_lines, name="log"),
]
