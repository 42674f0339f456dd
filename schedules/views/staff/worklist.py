"""Who needs something today."""

from dataclasses import replace
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, Work, staff, work_of
from ocrevus_tracker.accounts.models import Clinic
from schedules import worklists
from schedules.views import seeing
from schedules.views.access import chosen_clinic, may_open, page, staying_at


@staff(Duty.SEE, "GET")
def worklist(request: HttpRequest) -> HttpResponse:
    """One list of one clinic, with the others a tab away."""
    now = timezone.now()
    clinic = chosen_clinic(request)
    clinics = [clinic]
    name = request.GET.get("list", "")
    name = name if name in worklists.LISTS else "today"
    counts = worklists.counts(clinics, now)
    rows = worklists.page_of(name, clinics, now, count=counts[name], number=request.GET.get("page"))
    rows.object_list = [_for(row, work_of(request), clinic) for row in rows]
    seeing.lists(request, (row.patient for row in rows))
    empty_today = name == "today" and not counts[name]
    return page(
        request,
        "staff/worklist.html",
        clinic=clinic,
        now=now,
        name=name,
        query=urlencode({"list": name} | staying_at(clinic, request)),
        title=worklists.LISTS[name],
        tabs=[(key, label, counts[key]) for key, label in worklists.LISTS.items()],
        rows=rows,
        next_day=worklists.next_visit_day(clinics, now) if empty_today else None,
    )


def _for(row: worklists.Row, work: Work, clinic: Clinic) -> worklists.Row:
    """The row with a next step that the person may take; for others there is the record itself."""
    if may_open(work, clinic, reverse(row.step, args=[row.patient.pk])):
        return row
    return replace(row, step="staff:patient", step_label=_("Open"))
