"""A new request. Whatever goes wrong, everything typed comes back: an error, a rate limit, a session that ended."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import Role, User
from accounts.people import person
from executors.base import Access, Language
from pods.absences import deciders
from pods.models import Pod, Target
from queries import services
from queries.forms import ACCESS_CHOICES, LANGUAGE_CHOICES, RequestForm, again_of, known_id, left_as, revision_of
from queries.lifecycle import Status
from queries.models import KeptDraft, QueryRequest
from queries.parameter_rows import GIVEN_CHOICES, TYPE_CHOICES
from queries.presentation import completions, script_manual, waits
from queries.presentation.first_steps import sample
from queries.presentation.revisions import words_about
from queries.presentation.similar import similar
from queries.views import drafts, filling
from web.errors import BadInput, NotFound, PortalError
from web.ratelimit import limit

KEPT_DRAFT = "draft"
KEPT_CHARACTERS = 200_000
ADMINS_NAMED = 5


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form, and what it sends."""
    if not request.user.is_authenticated:
        return _keep_and_sign_in(request)
    if request.method != "POST":
        return _page(request, RequestForm(person=person(request), initial=_initial(request)))
    form = RequestForm(request.POST, person=person(request))
    act = next((act for name, act in BUTTONS.items() if name in request.POST), _send)
    return act(request, form)


def _show(request: HttpRequest, form: RequestForm) -> HttpResponse:
    return _page(request, _shown_again(request, form))


def _as_script(request: HttpRequest, form: RequestForm) -> HttpResponse:
    return _page(request, filling.as_script(request, form))


def _read(request: HttpRequest, form: RequestForm) -> HttpResponse:
    return _page(request, filling.from_file(request, form))


def _shown_again(request: HttpRequest, typed: RequestForm) -> RequestForm:
    """The form with what was typed, nothing judged, and a row for each parameter that the statement names."""
    form = RequestForm(person=person(request), initial={name: typed[name].value() for name in typed.fields})
    try:
        limit(request, "check")
        if typed.is_valid():
            form.want(services.missing_parameters(actor=person(request), draft=typed.draft()))
    except PortalError:
        pass  # the rows are a help
    return form


def _save(request: HttpRequest, form: RequestForm) -> HttpResponse:
    try:
        limit(request, "draft")
        return drafts.save(request, form)
    except services.InTheWay as error:
        form.add_error(None, error.message)
        return _page(request, form, status=error.status, in_the_way=error.draft)
    except BadInput as error:
        form.take_errors(error)
        return _page(request, form, status=error.status)
    except PortalError as error:
        form.add_error(None, error.message)
        return error.on(_page(request, form))


def _check(request: HttpRequest, form: RequestForm) -> HttpResponse:
    try:
        limit(request, "check")
        if not form.is_valid():
            return _page(request, form, status=400)
        checked = services.check_draft(actor=person(request), draft=form.draft())
    except BadInput as error:
        form.take_errors(error)
        return _page(request, form, status=error.status)
    except PortalError as error:
        form.add_error(None, error.message)
        return error.on(_page(request, form))
    return _page(request, form, checked=checked)


def _send(request: HttpRequest, form: RequestForm) -> HttpResponse:
    try:
        limit(request, "submit")
        if not form.is_valid():
            return _page(request, form, status=400)
        query = services.submit(actor=person(request), draft=form.draft(), revises=_revised(request, form))
    except BadInput as error:
        form.take_errors(error)
        return _page(request, form, status=error.status)
    except PortalError as error:
        form.add_error(None, error.message)
        return error.on(_page(request, form))
    services.discard_draft(actor=person(request), draft=known_id(form.cleaned_data["kept"]))
    messages.success(request, f"{query.number} was sent to the managers of {query.pod.name}.")
    return redirect("queries:detail", query.public_id)


def _keep_and_sign_in(request: HttpRequest) -> HttpResponse:
    """The session ended while somebody typed: keep the text for after they have signed in again."""
    if request.method == "POST":
        limit(request, "sign-in")
        fields = RequestForm.base_fields.items()
        kept = {name: str(field.widget.value_from_datadict(request.POST, {}, name) or "") for name, field in fields}
        if sum(map(len, kept.values())) <= KEPT_CHARACTERS:
            request.session[KEPT_DRAFT] = {name: value.replace("\0", "") for name, value in kept.items()}
        return redirect_to_login(reverse("queries:new"))
    return redirect_to_login(request.get_full_path())


def _initial(request: HttpRequest) -> dict[str, Any]:
    kept = request.session.pop(KEPT_DRAFT, None)
    if kept:
        messages.info(request, "Your session had ended. What you typed is here; send it again.")
        return dict(kept)
    if "revises" in request.GET:
        return revision_of(_own(request, request.GET["revises"]))
    if "again" in request.GET:
        return again_of(_repeatable(request, request.GET["again"]))
    draft = drafts.opened(request)
    if draft is not None:
        return left_as(draft)
    chosen = {"target": request.GET.get("target", "") or _last_target(person(request)), "access": Access.READ.value}
    return chosen | (_sample(request) if "sample" in request.GET else {})


def _sample(request: HttpRequest) -> dict[str, str]:
    """A request that is ready to be sent, to try the portal with."""
    usable = Target.objects.usable_by(person(request))
    target = usable.filter(slug=request.GET.get("target", "")).first()
    return sample(target) if target is not None else {}


def _own(request: HttpRequest, public_id: str | UUID) -> QueryRequest:
    own = QueryRequest.objects.filter(author=person(request), public_id=known_id(public_id))
    query = own.select_related("target").first()
    if query is None:
        raise NotFound("There is no such request of yours to revise.")
    return query


def _repeatable(request: HttpRequest, public_id: str) -> QueryRequest:
    query = services.visible_query(actor=person(request), public_id=known_id(public_id))
    if query.undoes_id is not None:
        raise NotFound("An undo puts back what was found once; it cannot be asked for again.")
    return query


def _revised(request: HttpRequest, form: RequestForm) -> QueryRequest | None:
    public_id = form.cleaned_data["revises"]
    return _own(request, public_id) if public_id else None


def _last_target(user: User) -> str:
    last = QueryRequest.objects.filter(author=user).values_list("target__slug", flat=True).first()
    return last or ""


def _page(
    request: HttpRequest,
    form: RequestForm,
    status: int = 200,
    *,
    checked: services.Checked | None = None,
    in_the_way: KeptDraft | None = None,
) -> HttpResponse:
    user = person(request)
    targets = list(Target.objects.usable_by(user).select_related("pod").order_by("pod__name", "name"))
    chosen = str(form["target"].value() or "")
    if targets and chosen not in {target.slug for target in targets} and not form.is_bound:
        chosen = targets[0].slug
    revises = str(form["revises"].value() or "")
    context = {
        "nav": "mine",
        "form": form,
        "targets": _described(targets, user),
        "wait_days": waits.DAYS,
        **drafts.listed(user, form),
        "in_the_way": in_the_way,
        "checked": checked and checked.analysis,
        "similar": similar(user, checked) if checked else [],
        "chosen": chosen,
        **_language(form, targets, chosen),
        "completions": {**completions.methods(), "templates": completions.templates(user)},
        "asking": {} if targets else _who_to_ask(user),
        "languages": LANGUAGE_CHOICES,
        "accesses": _accesses(targets, str(form["access"].value() or "")),
        "manual": {"rules": script_manual.RULES, "examples": script_manual.EXAMPLES},
        "revises": revises,
        "rows": form.rows(),
        "types": TYPE_CHOICES,
        "givens": GIVEN_CHOICES,
        "said": words_about(known_id(revises), user),
        "replaces": _waiting(user, revises),
        "findings": [
            {"line": p.line, "column": p.column, "message": p.message, "severity": "error"} for p in form.placed
        ],
    }
    return render(request, "queries/new.html", context, status=status)


def _language(form: RequestForm, targets: Sequence[Target], chosen: str) -> dict[str, object]:
    """What the chosen target speaks, and which of it is chosen: its own first language unless another was."""
    spoken = next(([one.value for one in target.languages] for target in targets if target.slug == chosen), [])
    typed = str(form["language"].value() or "")
    return {"spoken": spoken or list(Language), "language": typed if typed in spoken else next(iter(spoken), typed)}


def _who_to_ask(user: User) -> dict[str, object]:
    """For somebody without a target: the pods they are in, and who can change that."""
    admins = User.objects.filter(is_active=True, role=Role.ADMIN).exclude(pk=user.pk)
    return {"pods": Pod.objects.of_member(user), "admins": admins.order_by("first_name", "username")[:ADMINS_NAMED]}


def _accesses(targets: Sequence[Target], chosen: str) -> list[tuple[str, str]]:
    """What is offered: maintenance only where a target takes it, or it was chosen already."""
    takes_it = chosen == Access.MAINTENANCE or any(target.allow_maintenance for target in targets)
    return [(value, name) for value, name in ACCESS_CHOICES if takes_it or value != Access.MAINTENANCE]


def _waiting(user: User, revises: str) -> QueryRequest | None:
    """The request that is revised, if sending the revision will withdraw it."""
    return QueryRequest.objects.filter(author=user, public_id=known_id(revises), status=Status.PENDING).first()


def _described(targets: Sequence[Target], user: User) -> list[dict[str, Any]]:
    """Targets with what their panels say and what the page's script needs to know."""
    usual = waits.usual_waits(targets)
    return [
        {
            "target": target,
            "reviewers": deciders(target.pod, beside=user.pk),
            "missing": target.missing_variables(),
            "languages": " ".join(language.value for language in target.languages),
            "takes_writes": bool(target.write_url_variable),
            "wait": usual.get(target.pk),
        }
        for target in targets
    ]


# Without JavaScript what is told as one types is told when asked for. What was typed stays.
BUTTONS: Final[Mapping[str, Callable[[HttpRequest, RequestForm], HttpResponse]]] = {
    "discard": drafts.discard,
    "save": _save,
    "check": _check,
    "show": _show,
    "script": _as_script,
    "read": _read,
}
