"""Routes of requests, below `/api/v1/`."""

from django.urls import include, path

from queries.api import results, templates, views

# Each answers below `queries/<uuid>/`.
_one = [
    path("", views.Query.as_view(), name="query"),
    path("evidence/", views.Evidence.as_view(), name="query_evidence"),
    path("plan/", views.Plan.as_view(), name="query_plan"),
    path("comments/", views.Comments.as_view(), name="query_comments"),
    path("approve/", views.Approve.as_view(), name="query_approve"),
    path("rehearse/", views.Rehearse.as_view(), name="query_rehearse"),
    path("undo/", views.Undo.as_view(), name="query_undo"),
    path("reject/", views.Reject.as_view(), name="query_reject"),
    path("withdraw/", views.Withdraw.as_view(), name="query_withdraw"),
    path("cancel/", views.Cancel.as_view(), name="query_cancel"),
    path("close/", views.Close.as_view(), name="query_close"),
    path("result/", results.Result.as_view(), name="query_result"),
    path("result.csv", results.ResultCsv.as_view(), name="query_result_csv"),
    path("result.jsonl", results.ResultJsonl.as_view(), name="query_result_jsonl"),
    path("result.xlsx", results.ResultXlsx.as_view(), name="query_result_xlsx"),
    path("result.parquet", results.ResultParquet.as_view(), name="query_result_parquet"),
]

urlpatterns = [
    path("queries/", views.Queries.as_view(), name="queries"),
    path("queries/check/", views.Check.as_view(), name="query_check"),
    path("queries/<uuid:public_id>/", include(_one)),
    path("templates/", templates.Templates.as_view(), name="templates"),
    path("templates/<uuid:public_id>/", templates.OneTemplate.as_view(), name="template"),
    path("templates/<uuid:public_id>/change/", templates.Change.as_view(), name="template_change"),
    path("templates/<uuid:public_id>/retire/", templates.Retire.as_view(), name="template_retire"),
    path("templates/<uuid:public_id>/ask/", templates.Ask.as_view(), name="template_ask"),
    path("templates/<uuid:public_id>/grant/", templates.GrantInAdvance.as_view(), name="template_grant"),
    path("templates/<uuid:public_id>/withdraw/", templates.WithdrawGrant.as_view(), name="template_withdraw"),
]
