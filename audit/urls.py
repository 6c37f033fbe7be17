"""Addresses of the audit log."""

from django.urls import path

from audit import views

app_name = "audit"
urlpatterns = [
    path("", views.entries, name="list"),
    path("verify/", views.verify, name="verify"),
]
