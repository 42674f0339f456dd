"""Who needs something today."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ocrevus_tracker.accounts.access import Duty, staff
from schedules import worklists
from schedules.views import seeing
from schedules.views.access import clinics_of, page


@staff(Duty.SEE, "GET")
def worklist(request: HttpRequest) -> HttpResponse:
    """One list, with the others a tab away."""
    now = timezone.now()
    clinics = clinics_of(request)
    name = request.GET.get("list", "")
    name = name if name in worklists.LISTS else "today"
    counts = worklists.counts(clinics, now)
    rows = worklists.page_of(name, clinics, now, count=counts[name], number=request.GET.get("page"))
    seeing.lists(request, (row.patient for row in rows))
    empty_today = name == "today" and not counts[name]
    return page(
        request,
        "staff/worklist.html",
        clinic=clinics[0],
        now=now,
        name=name,
        query=urlencode({"list": name}),
        title=worklists.LISTS[name],
        tabs=[(key, label, counts[key]) for key, label in worklists.LISTS.items()],
        rows=rows,
        several=len(clinics) > 1,
        next_day=worklists.next_visit_day(clinics, now) if empty_today else None,
    )
