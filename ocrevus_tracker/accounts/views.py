"""Where a person lands."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.templatetags.static import static

from .access import SWITCHED, Duty, anyone, clinics_with, signed_in
from .models import Membership, User


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
    wanted = Membership.objects.filter(user=user, clinic__slug=request.POST.get("clinic", ""))
    request.session[SWITCHED] = get_object_or_404(wanted.select_related("clinic")).clinic.slug
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
