"""Deleting a patient's record at their request: what has to be kept, and what goes.

A clinic must keep a treatment record for some years (`ClinicRules.keep_years`, counted from the
last infusion; why is in its own words). Until then all goes that the law does not ask for: how to
reach the person, who helps them, their choices, the words of all mails, the way to sign in. After
that, or where nothing was ever given, the whole record goes. The audit trail stays: who did what
and when, by number; what it says of the person goes with the record.
"""

import datetime as dt
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from dateutil.relativedelta import relativedelta
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, has_duty
from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit import trail
from schedules.actions.shared import UnableTo, long_date
from schedules.models import (
    ClinicRules,
    Grant,
    Infusion,
    Patient,
    PatientInvitation,
    PatientRequest,
    RequestKind,
)

from .models import DeadAddress, Helper, Preference, Reminder, State

# So soon after a mail its row tells the worker that nothing is amiss: see `guards`.
JUST_SENT = dt.timedelta(minutes=10)
ON_THE_WAY = (State.CLAIMED, State.ON_WIRE)


class UnableToErase(UnableTo):
    """Treatment goes on, a mail is on its way, or somebody may not delete here."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What deleting would do now: everything goes, or the treatment record stays until a date."""

    last_on: dt.date | None
    keep_until: dt.date | None
    whole: bool


def extent(patient: Patient, *, now: dt.datetime) -> Extent:
    """What the clinic's rule means for `patient` on its local date."""
    given = Infusion.objects.counting().filter(course__patient=patient)
    last_on = given.order_by("-given_on").values_list("given_on", flat=True).first()
    if last_on is None:
        return Extent(None, None, whole=True)
    keep_until = last_on + relativedelta(years=ClinicRules.of(patient.clinic).keep_years)
    return Extent(last_on, keep_until, whole=keep_until <= patient.clinic.local_date(now))


def erase_record(*, patient: Patient, actor: User, now: dt.datetime) -> Extent:
    """Delete what may be deleted, and answer the request for it; no mail goes out afterwards.

    Raises:
        UnableToErase: infusions are not stopped, a mail is on its way or has just gone, or
            `actor` may not delete at this clinic.
    """
    with transaction.atomic():
        locked = (
            Patient.objects.select_for_update(of=("self",))
            .select_related("clinic", "user")
            .get(pk=patient.pk)
        )
        _refuse(locked, actor, now)
        found, user = extent(locked, now=now), locked.user
        if found.whole:
            _delete_whole(locked, actor, now)
        else:
            _delete_contact(locked, actor, now, found)
        if user:
            _let_go(user)
    return found


def _refuse(patient: Patient, actor: User, now: dt.datetime) -> None:
    if not has_duty(actor, patient.clinic, Duty.MANAGE):
        raise UnableToErase(_("Only the clinic's administrator can delete a record."))
    if patient.courses.filter(stopped_on=None).exists():
        raise UnableToErase(_("Infusions go on. Stop them first, then delete the record."))
    mails = Reminder.objects.filter(patient=patient)
    if mails.filter(Q(state__in=ON_THE_WAY) | Q(accepted_at__gt=now - JUST_SENT)).exists():
        raise UnableToErase(_("An email to this patient has just gone out. Try in 10 minutes."))


def _delete_whole(patient: Patient, actor: User, now: dt.datetime) -> None:
    clinic, pk = patient.clinic, patient.pk
    trail.record(at=now, actor=actor, clinic=clinic, act="delete record", subject=patient)
    trail.erase(at=now, actor=actor, clinic=clinic, patient_id=pk)
    patient.delete()


def _delete_contact(patient: Patient, actor: User, now: dt.datetime, found: Extent) -> None:
    for model in (Grant, PatientInvitation, Helper, Preference, DeadAddress):
        model._default_manager.filter(patient=patient).delete()  # noqa: SLF001 - public by Django's word
    mails = Reminder.objects.filter(patient=patient)
    mails.filter(state__in=(State.PLANNED, State.RETRY_WAIT)).delete()
    mails.update(subject="", body_text="")
    patient.email = patient.phone = patient.time_zone = ""
    patient.wants_reminders, patient.user = False, None
    patient.save(update_fields=["email", "phone", "time_zone", "wants_reminders", "user"])
    assert found.keep_until  # noqa: S101 - else the whole record went
    told = _("Deleted, but for the treatment record. It is kept until {date}.")
    PatientRequest.objects.filter(
        patient=patient, kind=RequestKind.DELETION, closed_at=None
    ).update(closed_at=now, closed_by=actor, answer=told.format(date=long_date(found.keep_until)))
    trail.record(
        at=now, actor=actor, clinic=patient.clinic, act="delete contact details", subject=patient
    )


def _let_go(user: User) -> None:
    """Nobody signs in with an address whose last record has gone. The row stays for the trail."""
    if user.needs_second_step or Patient.objects.filter(user=user).exists():
        return
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    user.email, user.name, user.is_active = f"gone-{user.pk}@gone.invalid", "", False
    user.set_unusable_password()
    user.save()
