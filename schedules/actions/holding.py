"""Holds and pauses: no infusion for a while, for a reason (R10)."""

import datetime as dt
import uuid

from dateutil.relativedelta import relativedelta
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit.trail import Changes
from schedules.models import Course, Hold, HoldQuerySet, HoldReason

from .shared import (
    UnableTo,
    locked,
    locked_with,
    long_date,
    made,
    must_treat,
    on_trail,
    saved_before,
    who_changed,
)

# A date further away than this is a slip of the finger.
FARTHEST_YEARS = 10
DATES = ("starts_on", "ends_on", "review_on")


class UnableToHold(UnableTo):
    """The dates are no span of time, the same hold is there already, or treatment has stopped."""


class HoldChangedMeanwhile(UnableToHold):
    """Somebody else changed the hold after the page was opened; the message says who and when."""


def start_hold(
    *,
    course: Course,
    actor: User,
    now: dt.datetime,
    reason: str,
    starts_on: dt.date,
    ends_on: dt.date | None = None,
    review_on: dt.date | None = None,
    note: str = "",
    entry_key: uuid.UUID | None = None,
) -> Hold:
    """No infusion from `starts_on`, a local date that may lie in the past or the future (R10).

    `ends_on` is the first day allowed again, None while nobody knows. `reason` is a HoldReason.
    No due date moves, and no visit is taken away.

    Raises:
        UnableToHold: treatment has stopped, the end or the review is before the start, a date is
            more than 10 years away, or there is such a hold for that time already.
    """
    with transaction.atomic():
        course = locked(course)
        must_treat(actor, course, UnableToHold)
        if saved := saved_before(course.holds.all(), entry_key, refusal=UnableToHold):
            return saved
        if course.stopped_on:
            raise UnableToHold(_("Infusions are stopped. Restart treatment first."))
        hold = Hold(course=course, reason=reason, recorded_by=actor, recorded_at=now)
        hold.starts_on, hold.ends_on, hold.review_on = starts_on, ends_on, review_on
        hold.note, hold.entry_key = note, entry_key
        _refuse_hold(hold, course.patient.clinic.local_date(now))
        told = made(hold, *DATES, "note")
        _keep(hold, "start hold", actor=actor, now=now, reason=reason, changes=told)
    return hold


def change_hold(
    *,
    hold: Hold,
    actor: User,
    now: dt.datetime,
    revision: int,
    starts_on: dt.date,
    ends_on: dt.date | None,
    review_on: dt.date | None,
    note: str,
) -> Hold:
    """Put the dates or the note right. `revision` is that of the version which was on the page.

    Raises:
        HoldChangedMeanwhile: somebody changed it after that version.
        UnableToHold: it was entered by mistake; else see `start_hold`.
    """
    with transaction.atomic():
        hold = _as_it_is_now(hold, actor)
        asked = (starts_on, ends_on, review_on, note)
        before = (hold.starts_on, hold.ends_on, hold.review_on, hold.note)
        if asked == before:
            return hold  # the same form again, or nothing to do
        if revision != hold.revision:
            raise HoldChangedMeanwhile(who_changed(hold, now))
        hold.starts_on, hold.ends_on, hold.review_on, hold.note = asked
        _refuse_hold(hold, hold.course.patient.clinic.local_date(now))
        pairs = zip((*DATES, "note"), zip(before, asked, strict=True), strict=True)
        changes = {name: pair for name, pair in pairs if pair[0] != pair[1]}
        _keep(hold, "change hold", actor=actor, now=now, changes=changes)
    return hold


def release_hold(*, hold: Hold, actor: User, now: dt.datetime, ends_on: dt.date) -> Hold:
    """Infusions are allowed again from `ends_on`, a local date in the past or the future.

    Raises:
        UnableToHold: released before for another day, entered by mistake, or `ends_on` is before
            the hold began or more than 10 years away.
    """
    with transaction.atomic():
        hold = _as_it_is_now(hold, actor)
        if hold.released_at:
            if hold.ends_on == ends_on:  # the same form again
                return hold
            told = _("It was released already. To put the date right, change the hold.")
            raise UnableToHold(told)
        if ends_on < hold.starts_on:
            told = _("The first day allowed again cannot be before the hold began, %(date)s.")
            raise UnableToHold(told % {"date": long_date(hold.starts_on)})
        _refuse_far(ends_on, hold.course.patient.clinic.local_date(now))
        changes = {"ends_on": (hold.ends_on, ends_on)}
        hold.ends_on, hold.released_by, hold.released_at = ends_on, actor, now
        _keep(hold, "release hold", actor=actor, now=now, changes=changes)
    return hold


def void_hold(*, hold: Hold, actor: User, now: dt.datetime, reason: str) -> Hold:
    """The hold was entered by mistake: it stays in the history, marked, and holds nothing.

    Done once: a second time changes nothing.
    """
    with transaction.atomic():
        hold = _locked_hold(hold, actor)
        if hold.voided_at is None:
            hold.voided_at = now
            _keep(hold, "void hold", actor=actor, now=now, reason=reason)
    return hold


def hold_over(course: Course, day: dt.date) -> Hold | None:
    """The hold that keeps infusions from being given on `day` for longest; an open one wins."""
    over = [hold for hold in course.holds.all() if hold.in_force(day)]
    return max(over, key=lambda hold: hold.ends_on or dt.date.max, default=None)


def no_visit_while_held(hold: Hold, today: dt.date) -> str:
    """Why no visit can be booked on a day inside `hold`, in words for the person who asked."""
    end = "known" if hold.ends_on else "open" if hold.starts_on <= today else "ahead"
    dates = {"from": long_date(hold.starts_on), "until": hold.ends_on and long_date(hold.ends_on)}
    return str(_NO_VISIT[hold.is_pause, end]) % dates


_NO_VISIT = {
    (False, "open"): lazy("Infusions are on hold since %(from)s. Release the hold first."),
    (True, "open"): lazy("Infusions are on pause since %(from)s. End the pause first."),
    (False, "ahead"): lazy("Infusions are on hold from %(from)s. Choose a day before that."),
    (True, "ahead"): lazy("Infusions are on pause from %(from)s. Choose a day before that."),
    (False, "known"): lazy(
        "Infusions are on hold until %(until)s. "
        "Only a prescriber can book before that, with a reason."
    ),
    (True, "known"): lazy(
        "Infusions are on pause until %(until)s. "
        "Only a prescriber can book before that, with a reason."
    ),
}


def _as_it_is_now(hold: Hold, actor: User) -> Hold:
    """The hold with its course, both as they are now and held until the transaction ends.

    Raises:
        UnableToHold: it was entered by mistake and holds nothing any more, or `actor` does not
            treat at its clinic.
    """
    hold = _locked_hold(hold, actor)
    if hold.voided_at:
        raise UnableToHold(_("This was marked as entered by mistake. Enter it anew."))
    return hold


def _locked_hold(hold: Hold, actor: User) -> Hold:
    """The hold as it is now, with its course, held until the transaction ends.

    Raises:
        UnableToHold: `actor` does not treat at its clinic.
    """
    course = locked_with(Hold.objects.get(pk=hold.pk))
    must_treat(actor, course, UnableToHold)
    hold = course.holds.get(pk=hold.pk)
    hold.course = course
    return hold


def _keep(
    hold: Hold,
    act: str,
    *,
    actor: User,
    now: dt.datetime,
    reason: str = "",
    changes: Changes | None = None,
) -> None:
    """Save the hold, let the course know, and write the trail."""
    if hold.pk:
        hold.revision += 1
    hold.save()
    hold.course.store_forecast(hold.course.patient.clinic.local_date(now))
    on_trail(hold.course, act, hold, actor=actor, now=now, reason=reason, changes=changes)


def _refuse_hold(hold: Hold, today: dt.date) -> None:
    """What no hold may be: a span without a day, far away, or there already."""
    if hold.ends_on and hold.ends_on <= hold.starts_on:
        raise UnableToHold(_("The first day allowed again must be after the first day on hold."))
    if hold.review_on and hold.review_on < hold.starts_on:
        raise UnableToHold(_("The review date cannot be before the first day on hold."))
    for day in (hold.starts_on, hold.ends_on, hold.review_on):
        if day:
            _refuse_far(day, today)
    if twin := _twins(hold).first():
        told = _("There is a hold for this reason already, from %(date)s. Change that one.")
        raise UnableToHold(told % {"date": long_date(twin.starts_on)})


def _refuse_far(day: dt.date, today: dt.date) -> None:
    reach = relativedelta(years=FARTHEST_YEARS)
    if not today - reach <= day <= today + reach:
        told = _("%(date)s is more than %(years)d years away. Check the year.")
        raise UnableToHold(told % {"date": long_date(day), "years": FARTHEST_YEARS})


def _twins(hold: Hold) -> HoldQuerySet:
    """Other holds for the same reason that share a day with this one."""
    others = Hold.objects.counting().filter(course=hold.course, reason=hold.reason)
    # Released on the day it began, a hold is empty and shares no day with any.
    others = others.exclude(pk=hold.pk).exclude(ends_on=F("starts_on"))
    if hold.reason == HoldReason.OTHER:
        others = others.filter(note=hold.note)
    if hold.ends_on:
        others = others.filter(starts_on__lt=hold.ends_on)
    return others.filter(Q(ends_on=None) | Q(ends_on__gt=hold.starts_on))
