"""What was sent to a patient, and what comes next, for the clinic's staff."""

from typing import Any

from django.contrib import messages
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, staff
from reminders import resending, unreached
from reminders.models import PATIENT, DeadAddress, Preference, Reminder, State
from reminders.staff_forms import ResendForm
from schedules.models import Patient
from schedules.views.access import page, staff_record, user_of

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


@staff(Duty.SEE, "GET")
def mails(request: HttpRequest, pk: int) -> HttpResponse:
    """A patient's reminders, the newest first, with the text as it was sent."""
    patient = staff_record(request, pk)
    rows = _rows(patient).order_by(Coalesce("accepted_at", "next_at").desc(), "-pk")[:PAGE]
    return page(
        request,
        "staff/mails.html",
        clinic=patient.clinic,
        now=timezone.now(),
        patient=patient,
        mails=[_shown(row) for row in rows],
        dead_addresses=_dead_addresses(patient),
        stopped=[topic.label for topic in Preference.of(patient).stopped_topics],
    )


@staff(Duty.BOOK, "GET", "POST")
def resend(request: HttpRequest, pk: int, mail_pk: int) -> HttpResponse:
    """Send one of them again, for a reason."""
    patient = staff_record(request, pk)
    mail = get_object_or_404(_rows(patient), pk=mail_pk)
    if not resending.may_be_sent_again(mail):
        raise Http404
    form = ResendForm(request.POST if request.method == "POST" else None)
    now = timezone.now()
    if form.is_valid():
        try:
            resending.resend(reminder=mail, actor=user_of(request), now=now, reason=form.reason())
        except resending.UnableToResend as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request, _("It is on its way again, at the next time when emails go out.")
            )
            return redirect("reminders:mails", patient.pk)
    return page(
        request,
        "staff/resend.html",
        clinic=patient.clinic,
        now=now,
        patient=patient,
        form=form,
        mail=_shown(mail),
    )


@staff(Duty.BOOK, "POST")
def seen(request: HttpRequest, pk: int, mail_pk: int) -> HttpResponse:
    """Somebody took care of a mail that did not get through."""
    patient = staff_record(request, pk)
    mail = get_object_or_404(_rows(patient), pk=mail_pk)
    try:
        unreached.take_off_list(reminder=mail, actor=user_of(request), now=timezone.now())
    except unreached.UnableToSeeTo as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Saved. It is off the list."))
    return redirect("reminders:mails", patient.pk)


@staff(Duty.BOOK, "POST")
def trust(request: HttpRequest, pk: int, dead_pk: int) -> HttpResponse:
    """The address is right: try again. A second tap finds nothing to do."""
    patient = staff_record(request, pk)
    dead = DeadAddress.objects.filter(patient=patient, pk=dead_pk).select_related("helper").first()
    if dead:
        unreached.trust_address(
            patient=patient, actor=user_of(request), now=timezone.now(), helper=dead.helper
        )
    messages.success(request, _("Saved. Emails go to this address again."))
    return redirect("reminders:mails", patient.pk)


def _rows(patient: Patient) -> Any:  # noqa: ANN401 - a ReminderQuerySet
    rows = Reminder.objects.filter(patient=patient)
    return rows.select_related("course", "helper", "requested_by", "checked_by", "patient__clinic")


def _shown(row: Reminder) -> dict[str, Any]:
    listed = row.state in (State.FAILED, State.EXPIRED, State.BOUNCED)
    return {
        "row": row,
        "look": LOOKS.get(State(row.state), "neutral"),
        "is_copy": row.recipient != PATIENT,
        "to_check": listed and row.checked_at is None,
        "again": resending.may_be_sent_again(row),
    }


def _dead_addresses(patient: Patient) -> list[DeadAddress]:
    """Those that are in use still, the patient's and their helpers'."""
    found = DeadAddress.objects.filter(patient=patient).select_related("helper")
    return [one for one in found if _is_in_use(one, patient)]


def _is_in_use(dead: DeadAddress, patient: Patient) -> bool:
    if dead.helper:
        return dead.helper.removed_at is None and dead.helper.email == dead.email
    return dead.email == patient.email
