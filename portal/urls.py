"""Every address of the portal."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView

from accounts import api as accounts_api
from audit import api as audit_api
from pods import absence_api
from pods import api as pods_api
from pods import views as pods_views
from portal import documentation, errors, health

v1: list[URLPattern | URLResolver] = [
    path("", include("queries.api.urls")),
    path("auth/token/", accounts_api.Token.as_view(), name="token"),
    path("auth/token/refresh/", accounts_api.TokenRefresh.as_view(), name="token_refresh"),
    path("me/", pods_api.Me.as_view(), name="me"),
    path("me/absence/", absence_api.AbsenceView.as_view(), name="absence"),
    path("pods/", pods_api.Pods.as_view(), name="pods"),
    path("targets/", pods_api.Targets.as_view(), name="targets"),
    path("targets/<slug:slug>/schema/", pods_api.TargetSchema.as_view(), name="target_schema"),
    path("audit/", audit_api.Entries.as_view(), name="audit"),
    path("audit/verify/", audit_api.Verify.as_view(), name="audit_verify"),
    path("audit/entries.csv", audit_api.EntriesCsv.as_view(), name="audit_entries_csv"),
    path("audit/entries.jsonl", audit_api.EntriesJsonl.as_view(), name="audit_entries_jsonl"),
    path("audit/log.jsonl", audit_api.Log.as_view(), name="audit_log"),
]

urlpatterns = [
    path("metrics", health.metrics, name="metrics"),
    path("api/v1/", include((v1, "api"))),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", documentation.docs, name="docs"),
    # Nothing else below /api/ is a page, not even a missing one.
    re_path(r"^api(/|$)", login_not_required(errors.not_found)),
    path("admin/", admin.site.urls),
    path("accounts/absence/", pods_views.absence, name="absence"),
    path("accounts/absence/end/", pods_views.absence_end, name="absence_end"),
    path("accounts/", include("accounts.urls")),
    path("pods/", include("pods.urls")),
    path("audit/", include("audit.urls")),
    path("", include("queries.urls")),
]

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.not_allowed"
handler404 = "portal.errors.not_found"
handler500 = "portal.errors.broken"
