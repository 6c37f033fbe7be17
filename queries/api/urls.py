"""Routes of requests, below `/api/v1/`."""

from django.urls import path

from queries.api import results, templates, views

urlpatterns = [
    path("queries/", views.Queries.as_view(), name="queries"),
    path("queries/check/", views.Check.as_view(), name="query_check"),
    path("queries/<uuid:public_id>/", views.Query.as_view(), name="query"),
    path("queries/<uuid:public_id>/evidence/", views.Evidence.as_view(), name="query_evidence"),
    path("queries/<uuid:public_id>/plan/", views.Plan.as_view(), name="query_plan"),
    path("queries/<uuid:public_id>/comments/", views.Comments.as_view(), name="query_comments"),
    path("queries/<uuid:public_id>/approve/", views.Approve.as_view(), name="query_approve"),
    path("queries/<uuid:public_id>/rehearse/", views.Rehearse.as_view(), name="query_rehearse"),
    path("queries/<uuid:public_id>/undo/", views.Undo.as_view(), name="query_undo"),
    path("queries/<uuid:public_id>/reject/", views.Reject.as_view(), name="query_reject"),
    path("queries/<uuid:public_id>/withdraw/", views.Withdraw.as_view(), name="query_withdraw"),
    path("queries/<uuid:public_id>/cancel/", views.Cancel.as_view(), name="query_cancel"),
    path("queries/<uuid:public_id>/close/", views.Close.as_view(), name="query_close"),
    path("queries/<uuid:public_id>/result/", results.Result.as_view(), name="query_result"),
    path("queries/<uuid:public_id>/result.csv", results.ResultCsv.as_view(), name="query_result_csv"),
    path("queries/<uuid:public_id>/result.jsonl", results.ResultJsonl.as_view(), name="query_result_jsonl"),
    path("queries/<uuid:public_id>/result.xlsx", results.ResultXlsx.as_view(), name="query_result_xlsx"),
    path("queries/<uuid:public_id>/result.parquet", results.ResultParquet.as_view(), name="query_result_parquet"),
    path("templates/", templates.Templates.as_view(), name="templates"),
    path("templates/<uuid:public_id>/", templates.OneTemplate.as_view(), name="template"),
    path("templates/<uuid:public_id>/change/", templates.Change.as_view(), name="template_change"),
    path("templates/<uuid:public_id>/retire/", templates.Retire.as_view(), name="template_retire"),
    path("templates/<uuid:public_id>/ask/", templates.Ask.as_view(), name="template_ask"),
    path("templates/<uuid:public_id>/grant/", templates.GrantInAdvance.as_view(), name="template_grant"),
    path("templates/<uuid:public_id>/withdraw/", templates.WithdrawGrant.as_view(), name="template_withdraw"),
]
