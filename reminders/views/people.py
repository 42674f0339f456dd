"""Who helps a patient: the patient's own page, and the staff's, who act at the patient's word."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, signed_in, staff
from reminders import helpers
from reminders.forms import HelperForm, StaffHelperForm
from reminders.models import DeadAddress, Helper
from schedules.models import Patient
from schedules.views.access import page, staff_record, user_of

from .patient import address_of, of_own_record, own_page


@dataclass(frozen=True, slots=True)
class Shown:
    """Somebody on the list: what they may do, and where they stand ("helping", "asked" or
    "too-old"), seen last at a moment (aware) or never.
    """

    helper: Helper
    can: str
    standing: str
    last_seen_at: dt.datetime | None


@signed_in("GET")
@of_own_record
def people(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Everybody who helps, and who has just been removed."""
    now = timezone.now()
    return own_page(request, "mail/people.html", patient, now, **section(patient, now))


@signed_in("GET", "POST")
@of_own_record
def add_helper(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Ask somebody whether they want to help."""
    now = timezone.now()
    form = HelperForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _invite(request, patient, form, now):
        return redirect(address_of("people", patient))
    return own_page(request, "mail/add_helper.html", patient, now, form=form)


@signed_in("POST")
@of_own_record
def remove_helper(request: HttpRequest, patient: Patient, helper_pk: int) -> HttpResponse:
    """From now on somebody sees nothing. A second tap finds them gone, which is as good."""
    helper = get_object_or_404(Helper, patient=patient, pk=helper_pk)
    helpers.remove_helper(helper=helper, actor=user_of(request), now=timezone.now())
    return redirect(address_of("people", patient))


@signed_in("POST")
@of_own_record
def put_back_helper(request: HttpRequest, patient: Patient, helper_pk: int) -> HttpResponse:
    """Somebody was removed by a slip of the finger."""
    helper = get_object_or_404(Helper, patient=patient, pk=helper_pk)
    _put_back(request, helper)
    return redirect(address_of("people", patient))


@staff(Duty.SEE, "GET")
def helpers_of(request: HttpRequest, pk: int) -> HttpResponse:
    """Everybody who helps this patient."""
    return _staff_page(request, staff_record(request, pk), timezone.now(), StaffHelperForm())


@staff(Duty.BOOK, "POST")
def staff_add_helper(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask somebody whether they want to help, at the patient's word."""
    now = timezone.now()
    record = staff_record(request, pk)
    form = StaffHelperForm(request.POST)
    if form.is_valid() and _invite(request, record, form, now):
        return redirect("reminders:helpers", pk)
    return _staff_page(request, record, now, form)


@staff(Duty.BOOK, "POST")
def staff_remove_helper(request: HttpRequest, pk: int, helper_pk: int) -> HttpResponse:
    """From now on somebody sees nothing."""
    helper = get_object_or_404(Helper, patient=staff_record(request, pk), pk=helper_pk)
    helpers.remove_helper(helper=helper, actor=user_of(request), now=timezone.now())
    return redirect("reminders:helpers", pk)


@staff(Duty.BOOK, "POST")
def staff_put_back_helper(request: HttpRequest, pk: int, helper_pk: int) -> HttpResponse:
    """Somebody was removed by a slip of the finger."""
    _put_back(request, get_object_or_404(Helper, patient=staff_record(request, pk), pk=helper_pk))
    return redirect("reminders:helpers", pk)


def section(patient: Patient, now: dt.datetime) -> dict[str, Any]:
    """Who helps `patient` at `now`, and who was removed a moment ago."""
    on_the_list = Helper.objects.filter(patient=patient, removed_at=None).select_related("grant")
    return {
        "people": [_shown(one, now) for one in on_the_list.order_by("invited_at", "pk")],
        "just_removed": helpers.can_be_put_back(patient, now).order_by("-removed_at"),
    }


def _shown(helper: Helper, now: dt.datetime) -> Shown:
    if helper.accepted_at:
        standing = "helping"
    else:
        standing = "asked" if helpers.has_time_left(helper, now) else "too-old"
    seen_at = helper.grant.last_seen_at if helper.grant else None
    return Shown(helper, _can(helper), standing, seen_at)


def _can(helper: Helper) -> str:
    """What somebody may do, in the words of a list."""
    if not helper.sees_dates:
        return _("Gets copies of emails")
    told = [_("Sees dates")]
    if helper.gets_copies:
        told.append(_("gets copies of emails"))
    if helper.may_tell:
        told.append(_("can tell the clinic about changes"))
    return ", ".join(told)


def _invite(request: HttpRequest, patient: Patient, form: HelperForm, now: dt.datetime) -> bool:
    """Ask the person; False after a refusal, which the form then says."""
    try:
        invited = helpers.invite_helper(
            patient=patient, actor=user_of(request), now=now, **form.cleaned_data
        )
    except helpers.UnableToInvite as refusal:
        form.add_error("email", str(refusal))
        return False
    once = _("Saved. We will email {name} and ask. It begins once they say yes.")
    again = _("{name} is on the list already. We kept one copy.")
    told = once if invited.is_new else again
    messages.success(request, told.format(name=invited.helper.name))
    return True


def _put_back(request: HttpRequest, helper: Helper) -> None:
    if helpers.put_back(helper=helper, actor=user_of(request), now=timezone.now()):
        told = _("{name} is back on the list.")
    else:
        told = _("It is too late to undo this. Add {name} again.")
    messages.success(request, told.format(name=helper.name))


def _staff_page(
    request: HttpRequest, record: Patient, now: dt.datetime, form: StaffHelperForm
) -> HttpResponse:
    dead = DeadAddress.objects.filter(patient=record).values_list("email", flat=True)
    return page(
        request,
        "staff/helpers.html",
        clinic=record.clinic,
        now=now,
        patient=record,
        form=form,
        dead=set(dead),
        **section(record, now),
    )
