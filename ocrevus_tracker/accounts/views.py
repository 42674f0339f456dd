"""Where a person lands."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.templatetags.static import static

from .access import anyone, signed_in
from .models import User


@signed_in("GET")
def home(request: HttpRequest) -> HttpResponseRedirect:
    """Staff go to their work list, everybody else to their own date."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - login_required saw to it
    return redirect("staff:worklist" if user.works_at_a_clinic else "patient:home")


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
