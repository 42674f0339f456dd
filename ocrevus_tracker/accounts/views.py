"""Where a person lands."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.templatetags.static import static

from .access import SWITCHED, Duty, anyone, clinics_with, signed_in
from .models import Clinic, User


@signed_in("GET")
def home(request: HttpRequest) -> HttpResponseRedirect:
    """Staff go to their work list, or to what else their role has; others to their own date."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - login_required saw to it
    if not user.works_at_a_clinic:
        return redirect("patient:home")
    sees = clinics_with(user, Duty.SEE).exists()
    return redirect("staff:worklist" if sees else "staff:trail")


@signed_in("POST")
def switch_clinic(request: HttpRequest) -> HttpResponseRedirect:
    """Work at another of one's clinics from now on, in this session."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - login_required saw to it
    here = Clinic.objects.filter(memberships__user=user).values_list("slug", flat=True)
    wanted = request.POST.get("clinic", "")
    if wanted not in here:
        raise Http404
    request.session[SWITCHED] = wanted
    return redirect("home")


@anyone("GET")
def favicon(_request: HttpRequest) -> HttpResponseRedirect:
    """The icon that some browsers ask for unasked, often beside the first page of a session. An
    error page in its place would set another form token than that page's, and void its forms.
    """
    return HttpResponseRedirect(static("img/icon.svg"))


@anyone("GET")
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")
