"""What was sent to a patient, and what comes next, for the clinic's staff."""

from django.contrib.auth.decorators import login_required
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from schedules.models import Patient

from .models import Reminder, State

# The look of a state: a kind of `status_tag`. What is not listed is on its way.
LOOKS = {
    State.ACCEPTED: "done",
    State.DELIVERED: "done",
    State.BOUNCED: "late",
    State.FAILED: "late",
    State.EXPIRED: "late",
    State.CANCELLED: "stopped",
    State.SUPPRESSED: "stopped",
}
PAGE = 100


@login_required
@require_safe
def mails(request: HttpRequest, pk: int) -> HttpResponse:
    """A patient's reminders, the newest first, with the text as it was sent."""
    patients = Patient.objects.of_staff(request.user).select_related("clinic")  # type: ignore[arg-type]
    patient = get_object_or_404(patients, pk=pk)
    rows = Reminder.objects.filter(course__patient=patient)
    newest = rows.order_by(Coalesce("accepted_at", "next_at").desc(), "-pk")[:PAGE]
    shown = [{"row": row, "look": LOOKS.get(State(row.state), "neutral")} for row in newest]
    context = {"patient": patient, "clinic": patient.clinic, "mails": shown}
    with timezone.override(patient.clinic.tz):
        return render(request, "staff/mails.html", context)
