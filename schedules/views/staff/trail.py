"""The audit trail, for the clinic's administrator and its auditors."""

import datetime as dt
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, staff
from ocrevus_tracker.accounts.models import Clinic
from ocrevus_tracker.audit import bulk_reading, trail
from ocrevus_tracker.audit.models import Entry
from schedules import trails
from schedules.forms.trail import TrailForm
from schedules.presenting.trail import Line, lines
from schedules.spreadsheets import as_csv
from schedules.trails import Wanted
from schedules.views import seeing
from schedules.views.access import chosen_clinic, clinics_of, page, user_of

PER_PAGE = 50
ALARMS_FOR = dt.timedelta(days=7)
HIGHEST_KEY = 2**63 - 1


@staff(Duty.AUDIT, "GET")
def show(request: HttpRequest) -> HttpResponse:
    """Who did what, newest first."""
    now = timezone.now()
    clinic = chosen_clinic(request)
    form = _form(request, clinic, now)
    found = _page_of(clinic, form.wanted(), _before(request)) if form.is_valid() else []
    shown = found[:PER_PAGE]
    patients = trails.patients_of(clinic, shown)
    seeing.lists(request, patients.values())
    with timezone.override(clinic.tz):
        told = lines(shown, patients)
        alarms = lines(bulk_reading.lately(clinic, since=now - ALARMS_FOR), {})
    return page(
        request,
        "staff/trail.html",
        clinic=clinic,
        now=now,
        form=form,
        clinics=clinics_of(request),
        lines=told,
        alarms=alarms,
        query=_query(request),
        older=shown[-1].pk if len(found) > PER_PAGE else None,
        is_first="before" not in request.GET,
    )


@staff(Duty.AUDIT, "GET")
def export(request: HttpRequest) -> HttpResponseBase:
    """The same as a table for a spreadsheet; that it was taken is on the trail as well."""
    now = timezone.now()
    clinic = chosen_clinic(request)
    form = _form(request, clinic, now)
    if not form.is_valid():
        return show(request)
    trail.record_export(at=now, actor=user_of(request), clinic=clinic, what="audit trail")
    return StreamingHttpResponse(
        as_csv(_head(), _rows(clinic, form.wanted())),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit-trail.csv"'},
    )


def _form(request: HttpRequest, clinic: Clinic, now: dt.datetime) -> TrailForm:
    return TrailForm(request.GET, clinic=clinic, today=clinic.local_date(now))


def _page_of(clinic: Clinic, wanted: Wanted, before: int | None) -> list[Entry]:
    """One more than fits, to see whether there are older ones."""
    return trails.entries_of(clinic, wanted, count=PER_PAGE + 1, before=before)


def _before(request: HttpRequest) -> int | None:
    """The entry that the page before ended with; anything else asks for the newest."""
    number = request.GET.get("before", "")
    if not (number.isascii() and number.isdecimal()):
        return None
    return min(int(number[:20]), HIGHEST_KEY)


def _query(request: HttpRequest) -> str:
    """The filter, without the place in the list."""
    asked = request.GET.copy()
    asked.pop("before", None)
    return asked.urlencode()


def _head() -> list[str]:
    return [_("Time"), _("Who"), _("Role"), _("What"), _("Record number"), _("Reason")]


def _rows(clinic: Clinic, wanted: Wanted) -> Iterator[list[str]]:
    """One row an entry, times on the clinic's clock. Read while it is sent."""
    for some in trails.every_entry(clinic, wanted):
        patients = trails.patients_of(clinic, some)
        with timezone.override(clinic.tz):
            told = lines(some, patients)
        yield from (_row(clinic, one) for one in told)


def _row(clinic: Clinic, line: Line) -> list[str]:
    moment = line.entry.at.astimezone(clinic.tz).isoformat(sep=" ", timespec="seconds")
    number = line.patient.record_number if line.patient else ""
    reason = _("erased") if line.entry.is_erased else line.reason
    return [moment, line.who, line.role, line.did, number, reason]
