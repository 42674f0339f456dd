"""Whom our mails did not reach: for the staff's list "To check", until somebody saw to it."""

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ocrevus_tracker.accounts.access import Duty, has_duty
from ocrevus_tracker.accounts.models import Clinic, User
from ocrevus_tracker.audit import trail
from schedules.actions import UnableTo
from schedules.models import Course, Patient
from schedules.worklists import Check, ClinicDay, register_check

from .models import TO_CHECK, DeadAddress, Helper, Kind, Reminder

STEP = "reminders:mails"


class UnableToSeeTo(UnableTo):
    """Somebody of another clinic, or nothing to see to."""


def register() -> None:
    """Tell the work lists. A patient's mails count on whichever of their courses is open: those
    of a course that was changed to another regimen too.
    """
    register_check(
        "mail_failed", Check(_has_failed_mail, gettext_lazy("Email did not arrive: call"), STEP)
    )
    register_check(
        "dead_address", Check(_has_dead_address, gettext_lazy("Email address does not work"), STEP)
    )


def _has_failed_mail(_day: ClinicDay) -> Q:
    return Q(Exists(Reminder.objects.to_check().filter(patient=OuterRef("patient"))))


def _has_dead_address(_day: ClinicDay) -> Q:
    dead = DeadAddress.objects.filter(patient=OuterRef("patient"), email=OuterRef("patient__email"))
    return Q(Exists(dead))


def failed_digests(clinic: Clinic) -> QuerySet[Reminder]:
    """Mails to the clinic's own people, and invitations to become one of them, that did not get
    through, and that nobody has seen.
    """
    rows = Reminder.objects.to_check().filter(
        Q(kind=Kind.DIGEST, member__clinic=clinic)
        | Q(kind=Kind.STAFF_INVITE, staff_invitation__clinic=clinic)
    )
    return rows.select_related("member__user", "staff_invitation").order_by("-due_on", "pk")


def take_off_list(*, reminder: Reminder, actor: User, now: dt.datetime) -> None:
    """Somebody saw that `reminder` did not get through, and took care of it. Twice is once.

    Raises:
        UnableToSeeTo: it did get through, or `actor` does not work at the clinic.
    """
    clinic = reminder.clinic
    _refuse_strangers(actor, clinic)
    with transaction.atomic():
        listed = Reminder.objects.to_check().filter(pk=reminder.pk)
        if listed.update(checked_at=now, checked_by=actor):
            trail.record(at=now, actor=actor, clinic=clinic, act="see to mail", subject=reminder)
        elif not Reminder.objects.filter(pk=reminder.pk, state__in=TO_CHECK).exists():
            raise UnableToSeeTo(_("This email is not on the list."))


def trust_address(
    *, patient: Patient, actor: User, now: dt.datetime, helper: Helper | None = None
) -> None:
    """The address from which mails came back is right all the same: write to it again. It is the
    patient's, or else the `helper`'s.

    Raises:
        UnableToSeeTo: `actor` does not work at the clinic.
    """
    _refuse_strangers(actor, patient.clinic)
    email = helper.email if helper else patient.email
    with transaction.atomic():
        dead = DeadAddress.objects.filter(patient=patient, email=email)
        if not dead.delete()[0]:  # a second tap
            return
        Course.objects.filter(patient=patient).mark_unplanned()
        subject = helper or patient
        act = "trust email address"
        trail.record(at=now, actor=actor, clinic=patient.clinic, act=act, subject=subject)


def _refuse_strangers(actor: User, clinic: Clinic) -> None:
    if not has_duty(actor, clinic, Duty.BOOK):
        raise UnableToSeeTo(_("Only the clinic's own people can do this."))
