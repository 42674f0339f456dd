"""The people who help a patient: asked, saying yes or no, taken off the list and put back.

Verbs as in `reminders.choices`. What a helper sees is a grant, made and ended in the same
transaction.
"""

import datetime as dt
from dataclasses import dataclass

from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit import trail
from schedules.actions import UnableTo
from schedules.actions.granting import end_grant, grant_access
from schedules.models import UNDO_FOR, Course, Grant, Patient

from .models import Helper, HelperQuerySet, Kind, Reminder
from .rules import INVITATION_LASTS

# Invitations go to strangers at a patient's word: few at a time, and few in a row.
MOST_HELPERS = 5
MOST_INVITATIONS_A_DAY = 10


class Can(models.TextChoices):
    """What a helper may do, in the patient's words; each also allows what stands before it."""

    DATES = "dates", gettext_lazy("See my dates")
    REMINDERS = "reminders", gettext_lazy("See my dates and get my reminders")
    TELL = "tell", gettext_lazy("Also tell the clinic about changes")


ALLOWS = {
    Can.DATES: {"sees_dates": True, "gets_copies": False, "may_tell": False},
    Can.REMINDERS: {"sees_dates": True, "gets_copies": True, "may_tell": False},
    Can.TELL: {"sees_dates": True, "gets_copies": True, "may_tell": True},
}


class UnableToInvite(UnableTo):
    """The list is full, or the address is the patient's own."""


@dataclass(frozen=True, slots=True)
class Invited:
    """The person on the list, and whether it is this call that asked them."""

    helper: Helper
    is_new: bool


def has_time_left(helper: Helper, now: dt.datetime) -> bool:
    """Whether the invitation is still young enough to be answered at `now` (aware)."""
    return helper.invited_at > now - INVITATION_LASTS


def _in_time(now: dt.datetime) -> Q:
    return Q(invited_at__gt=now - INVITATION_LASTS)


def invite_helper(
    *,
    patient: Patient,
    name: str,
    email: str,
    can: str,
    actor: User,
    now: dt.datetime,
    reason: str = "",
) -> Invited:
    """Ask the person behind `email`, by one mail, whether they want to help; `can` is a Can.

    Who is on the list already is not asked again, unless an old invitation has run out. Staff
    who do it for a patient give a `reason`.

    Raises:
        UnableToInvite: the list is full, or the address is the patient's own.
    """
    address = email.lower()
    if address == patient.email.lower():
        raise UnableToInvite(_("This is your own address. Enter the one of the other person."))
    with transaction.atomic():
        # Two taps take turns.
        Patient.objects.select_for_update(of=("self",)).get(pk=patient.pk)
        _take_off(_run_out(patient, now).filter(email=address), now)
        on_the_list = Helper.objects.filter(patient=patient, removed_at=None)
        if known := on_the_list.filter(email=address).first():
            return Invited(known, is_new=False)
        _refuse_too_many(patient, on_the_list, now)
        helper = Helper.objects.create(
            patient=patient, name=name, email=address, invited_at=now, **ALLOWS[Can(can)]
        )
        _plan_invitation(helper, now)
        trail.record(
            at=now,
            actor=actor,
            clinic=patient.clinic,
            act="invite helper",
            subject=helper,
            reason=reason,
        )
    return Invited(helper, is_new=True)


def accept_invitation(*, helper: Helper, now: dt.datetime) -> bool:
    """The person says yes; False when they cannot any more, or did before.

    Whoever sees dates signs in as the account of the address that was asked.
    """
    with transaction.atomic():
        asked = Helper.objects.invited().filter(_in_time(now), pk=helper.pk)
        if accepted := bool(asked.update(accepted_at=now)):
            _open(helper, now)
            _follow_up(helper, "accept invitation", None, now)
    return accepted


def remove_helper(
    *, helper: Helper, now: dt.datetime, actor: User | None = None, reason: str = ""
) -> bool:
    """This person sees no dates and gets no copies, and no answer from them counts; False when
    done before.

    `actor` is None when the person leaves through a link of their own.
    """
    with transaction.atomic():
        if removed := bool(_take_off(Helper.objects.filter(pk=helper.pk), now, actor)):
            _follow_up(helper, "remove helper", actor, now, reason)
    return removed


def put_back(*, helper: Helper, actor: User, now: dt.datetime) -> bool:
    """Undo a removal of a moment ago; False when it is too late, when the person left by
    themselves, or was invited anew.
    """
    if helper.patient.helpers.filter(removed_at=None, email=helper.email).exists():
        return False
    with transaction.atomic():
        if put := bool(
            can_be_put_back(helper.patient, now)
            .filter(pk=helper.pk)
            .update(removed_at=None, removed_by=None)
        ):
            helper.refresh_from_db()
            if helper.accepted_at:
                _open(helper, now)
            _follow_up(helper, "put helper back", actor, now)
    return put


def can_be_put_back(patient: Patient, now: dt.datetime) -> HelperQuerySet:
    """Whom somebody has just removed, maybe by a slip of the finger."""
    return patient.helpers.filter(removed_at__gt=now - UNDO_FOR, removed_by__isnull=False)


def stop_copies(*, helper: Helper, now: dt.datetime) -> bool:
    """The person wants no mails. Whoever sees dates goes on seeing them; others are off the list.
    False when it was so.
    """
    if not helper.sees_dates:
        return remove_helper(helper=helper, now=now)
    with transaction.atomic():
        getting = Helper.objects.filter(pk=helper.pk, removed_at=None, gets_copies=True)
        if stopped := bool(getting.update(gets_copies=False)):
            _follow_up(helper, "stop copies", None, now)
    return stopped


def _open(helper: Helper, now: dt.datetime) -> None:
    """Let the helper see what the patient allows."""
    if helper.sees_dates:
        user, _is_new = User.objects.of_address(helper.email)
        patient, may_tell = helper.patient, helper.may_tell
        grant = grant_access(patient=patient, user=user, may_tell=may_tell, now=now)
        Helper.objects.filter(pk=helper.pk).update(grant=grant)


def _run_out(patient: Patient, now: dt.datetime) -> HelperQuerySet:
    return patient.helpers.invited().exclude(_in_time(now))


def _take_off(helpers: HelperQuerySet, now: dt.datetime, actor: User | None = None) -> int:
    there = helpers.filter(removed_at=None)
    for grant in Grant.objects.filter(pk__in=there.values("grant")):
        end_grant(grant=grant, now=now)
    return there.update(removed_at=now, removed_by=actor)


def _refuse_too_many(patient: Patient, on_the_list: HelperQuerySet, now: dt.datetime) -> None:
    if on_the_list.count() >= MOST_HELPERS:
        told = ngettext(
            "At most {n} person can help. Remove one first.",
            "At most {n} people can help. Remove one first.",
            MOST_HELPERS,
        )
        raise UnableToInvite(told.format(n=MOST_HELPERS))
    lately = patient.helpers.filter(invited_at__gt=now - dt.timedelta(days=1))
    if lately.count() >= MOST_INVITATIONS_A_DAY:
        raise UnableToInvite(_("You have invited many people today. Try again tomorrow."))


def _plan_invitation(helper: Helper, now: dt.datetime) -> None:
    Reminder.objects.create(
        patient=helper.patient,
        helper=helper,
        recipient=helper.recipient,
        kind=Kind.HELPER_INVITE,
        due_on=now.astimezone(helper.patient.tz).date(),
        next_at=now,
        not_after=now + INVITATION_LASTS,
    )


def _follow_up(
    helper: Helper, act: str, actor: User | None, now: dt.datetime, reason: str = ""
) -> None:
    patient = helper.patient
    Course.objects.filter(patient=patient).mark_unplanned()
    clinic = patient.clinic
    trail.record(at=now, actor=actor, clinic=clinic, act=act, subject=helper, reason=reason)
