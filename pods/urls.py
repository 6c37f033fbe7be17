"""Addresses of pods."""

from django.urls import path

from pods import views

app_name = "pods"
urlpatterns = [
    path("", views.pod_list, name="list"),
    path("<slug:slug>/", views.pod_detail, name="detail"),
    path("<slug:slug>/<slug:target>/", views.target_detail, name="target"),
]
