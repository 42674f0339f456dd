"""Who sees a record online: inviting the patient, and ending it."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, staff
from schedules import actions
from schedules.forms.online import EndAccessForm, InviteForm
from schedules.models import Patient, PatientInvitation
from schedules.views.access import page, staff_record, user_of


@staff(Duty.SEE, "GET")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """How it stands."""
    return _page(request, staff_record(request, pk), timezone.now())


@staff(Duty.BOOK, "POST")
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a link to the address on file, in place of an earlier one."""
    now = timezone.now()
    record = staff_record(request, pk)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _page(request, record, now, form=form)
    key = form.cleaned_data["entry_key"]
    try:
        invitation = actions.invite_patient(
            patient=record, actor=user_of(request), now=now, entry_key=key
        )
    except actions.UnableToInvitePatient as refusal:
        messages.error(request, str(refusal))
    else:
        told = _("Saved. An invitation goes to {email} within a minute.")
        messages.success(request, told.format(email=invitation.email))
    return redirect("staff:online", pk)


@staff(Duty.BOOK, "POST")
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """The link that was sent works no more."""
    record = staff_record(request, pk)
    actions.withdraw_invitation(patient=record, actor=user_of(request), now=timezone.now())
    messages.success(request, _("The invitation does not work any more."))
    return redirect("staff:online", pk)


@staff(Duty.BOOK, "POST")
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Nobody sees the record online any more."""
    now = timezone.now()
    record = staff_record(request, pk)
    form = EndAccessForm(request.POST)
    if not form.is_valid():
        return _page(request, record, now, end_form=form)
    reason = form.cleaned_data["reason"]
    actions.end_online_access(patient=record, actor=user_of(request), now=now, reason=reason)
    told = _("Online access has ended. {first_name} sees no dates here until invited again.")
    messages.success(request, told.format(first_name=record.given_name))
    return redirect("staff:online", pk)


def section(record: Patient, now: dt.datetime) -> dict[str, Any]:
    """Who sees `record`, and the last invitation with where it stands at `now`."""
    invitation = PatientInvitation.objects.filter(patient=record).order_by("-pk").first()
    user = record.user
    return {
        "invitation": invitation,
        "invited": invitation.standing(now) if invitation else "",
        "other_address": bool(user and record.email and user.email != record.email.lower()),
    }


def _page(
    request: HttpRequest,
    record: Patient,
    now: dt.datetime,
    *,
    form: InviteForm | None = None,
    end_form: EndAccessForm | None = None,
) -> HttpResponse:
    return page(
        request,
        "staff/online.html",
        clinic=record.clinic,
        now=now,
        patient=record,
        form=form or InviteForm(),
        end_form=end_form or EndAccessForm(),
        **section(record, now),
    )
