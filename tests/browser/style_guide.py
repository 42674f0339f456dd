"""One page with every component in every state, and each error page, for the browser tests."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import include, path
from django.views import defaults
from django.views.csrf import csrf_failure

from ocrevus_tracker.urls import urlpatterns as product_urls
from schedules.forms.base import CleanForm, OneLineField
from schedules.forms.fields import DayChoiceField, DayPartsField, DoseChoiceField

TODAY = dt.date(2026, 3, 10)
CLINIC = SimpleNamespace(
    name="Lakeside Clinic", phone="(555) 010-0199", hours="Monday to Friday, 8 a.m. to 5 p.m."
)
PAGE = Path(__file__).with_name("style_guide.html")


class GuideForm(CleanForm):
    given_on = DayChoiceField(label="Date given", subject="The date given")
    dose_mg = DoseChoiceField(label="Dose", offered_mg=(600, 300))
    born_on = DayPartsField(
        label="Date of birth",
        subject="The date of birth",
        help_text="For example, 3 27 1982",
        error_messages={"required": "Enter the date of birth"},
    )
    outcome = forms.ChoiceField(
        label="How it went",
        choices=[("full", "Full dose given"), ("early", "Stopped early"), ("none", "Not given")],
        widget=forms.RadioSelect,
    )
    lot = OneLineField(label="Lot", help_text="The number on the vial", max_length=20)
    zone = forms.ChoiceField(label="Time zone", choices=[("", "Choose one"), ("ny", "New York")])
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea)
    checked = forms.BooleanField(
        label="I checked name and date of birth, and these details are right",
        error_messages={"required": "Tick to show you checked name and date of birth"},
    )

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, today=TODAY, **kwargs)
        self.fields["dose_mg"].expect(600)


def guide(request: HttpRequest) -> HttpResponse:
    """Every component; a POST shows the form with its errors."""
    initial = {"given_on": TODAY, "dose_mg": 600}
    form = GuideForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.GET.get("saved"):
        messages.success(request, "Saved. The next visit is due around September 10, 2026.")
    base = "base_staff.html" if request.GET.get("staff") else "base.html"
    context = RequestContext(
        request, {"form": form, "clinic": CLINIC, "today": TODAY, "base": base}
    )
    return HttpResponse(Template(PAGE.read_text()).render(context))


def failing(request: HttpRequest, status: int) -> HttpResponse:
    """The page that a person sees when something goes wrong."""
    pages = {
        400: defaults.bad_request,
        403: defaults.permission_denied,
        404: defaults.page_not_found,
    }
    if status == 500:
        return defaults.server_error(request)
    if status == 419:  # no real status: the expired form, which answers 403
        return csrf_failure(request)
    return pages[status](request, Exception())


urlpatterns = [
    path("style-guide/", guide),
    path("failing/<int:status>/", failing),
    path("", include(product_urls)),
]
