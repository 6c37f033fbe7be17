"""Addresses of the pages about requests: nouns, and below them verbs that only take POST."""

from django.urls import include, path

from queries.views import decide, detail, differences, drafts, home, lists, new, notices, plan, results, review, saved

requests = [
    path("", lists.request_list, name="list"),
    path("news/", lists.news, name="news"),
    path("new/", new.new, name="new"),
    path("new/draft/", drafts.keep, name="draft"),
    path("<uuid:public_id>/", detail.detail, name="detail"),
    path("<uuid:public_id>/statement.txt", detail.statement, name="statement"),
    path("<uuid:public_id>/parameter-<int:number>.txt", detail.parameter, name="parameter"),
    path("<uuid:public_id>/status/", detail.status, name="status"),
    path("<uuid:public_id>/plan/", plan.plan, name="plan"),
    path("<uuid:public_id>/evidence/", detail.evidence, name="evidence"),
    path("<uuid:public_id>/approve/", decide.approve, name="approve"),
    path("<uuid:public_id>/rehearse/", decide.rehearse, name="rehearse"),
    path("<uuid:public_id>/undo/", decide.undo, name="undo"),
    path("<uuid:public_id>/reject/", decide.reject, name="reject"),
    path("<uuid:public_id>/comment/", decide.comment, name="comment"),
    path("<uuid:public_id>/withdraw/", decide.withdraw, name="withdraw"),
    path("<uuid:public_id>/cancel/", decide.cancel, name="cancel"),
    path("<uuid:public_id>/close/", decide.close, name="close"),
    path("<uuid:public_id>/revise/", decide.revise, name="revise"),
    path("<uuid:public_id>/result/", results.result, name="result"),
    path("<uuid:public_id>/result/cell/", results.cell, name="cell"),
    path("<uuid:public_id>/result/difference/", differences.difference, name="difference"),
    path("<uuid:public_id>/result/copy/", results.copy, name="copy"),
    path("<uuid:public_id>/result/value/", results.value, name="value"),
    path("<uuid:public_id>/result.<slug:format>", results.download_result, name="download"),
]

urlpatterns = [
    path("", home.home, name="home"),
    path("review/", review.queue, name="review"),
    path("review/stale/", review.stale, name="review_stale"),
    path("review/news/", review.news, name="review_news"),
    path("views/", saved.views, name="views"),
    path("views/<int:view_id>/", saved.view, name="view"),
    path("views/save/", saved.save, name="view_save"),
    path("views/<int:view_id>/move/", saved.move, name="view_move"),
    path("views/<int:view_id>/remove/", saved.remove, name="view_remove"),
    path("notices/", notices.notices, name="notices"),
    path("notices/read/", notices.read_all, name="notices_read"),
    path("queries/", include((requests, "queries"))),
]
