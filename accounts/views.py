"""Signing in and out, and one's own profile."""

from django.contrib import messages
from django.contrib.auth import login as start_session
from django.contrib.auth import logout as end_session
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms import ProfileForm, SignInForm
from accounts.models import User
from accounts.people import person
from accounts.signin import check_credentials, record_sign_in, record_sign_out
from accounts.zones import switch
from audit import log
from web.errors import PortalError
from web.ratelimit import limit
from web.verbs import post_only

BACKEND = "django.contrib.auth.backends.ModelBackend"


@method_decorator([login_not_required, sensitive_post_parameters("password")], name="dispatch")
class SignIn(View):
    """The one sign-in page, for the portal and its admin alike."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form, unless signed in already."""
        if request.user.is_authenticated:
            return redirect(_next(request))
        return _sign_in_page(request, SignInForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Check, count, record, begin a session."""
        form = SignInForm(request.POST)
        try:
            limit(request, "sign-in")
            if not form.is_valid():
                return _sign_in_page(request, form, status=400)
            user = check_credentials(request, **form.cleaned_data, door="page")
        except PortalError as error:
            form.add_error(None, error.message)
            return error.on(_sign_in_page(request, form))
        with transaction.atomic():
            start_session(request, user, backend=BACKEND)
            record_sign_in(user, door="page")
        return redirect(_next(request))


@post_only
@login_not_required
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    if isinstance(request.user, User):
        record_sign_out(person(request))
    end_session(request)
    return redirect("accounts:login")


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name, e-mail and colours."""
    user = person(request)
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=user.pk))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            values = {name: form.cleaned_data[name] for name in form.changed_data}
            before = {name: form.initial.get(name) for name in form.changed_data}
            _record_change(user, form.changed_data, values=values, before=before)
        messages.success(request, "Your profile was saved.")
        return redirect("accounts:profile")
    return render(request, "accounts/profile.html", {"form": form}, status=400 if form.is_bound else 200)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; other sessions of the person end."""
    form = PasswordChangeForm(person(request), request.POST or None)
    if request.method == "POST":
        limit(request, "sign-in")
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            user = form.save()
            _record_change(person(request), ["password"])
        update_session_auth_hash(request, user)
        messages.success(request, "Your password was changed. Other sessions of yours have ended.")
        return redirect("accounts:profile")
    return render(request, "accounts/password.html", {"form": form}, status=400 if form.is_bound else 200)


@post_only
def zone(request: HttpRequest) -> HttpResponse:
    """Show times in UTC, or in one's own zone; back to the page one was on."""
    switch(request, utc=request.POST.get("utc") == "yes")
    return redirect(_next(request))


def _record_change(user: User, fields: list[str], **told: dict[str, object]) -> None:
    """`told` are values now and before, of what is no secret."""
    if fields:
        subject = log.Subject("user", str(user.pk), user.label)
        log.append(log.Action.PROFILE_CHANGE, actor=user, subject=subject, data={"fields": fields, **told})


def _sign_in_page(request: HttpRequest, form: SignInForm, status: int = 200) -> HttpResponse:
    return render(request, "accounts/login.html", {"form": form, "next": _next(request)}, status=status)


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    allowed = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    # An address, not a name: `redirect` would take a bare word for the name of a view.
    return wanted if allowed and wanted.startswith("/") else "/"
