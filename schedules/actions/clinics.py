"""What a clinic decides for itself: its treatments, its open days, its checks.

Only a prescriber or the clinic's administrator decides. Nothing here moves a date: a closure
leaves the due dates and the visits as they are, and a course goes on under the regimen it is on.
"""

import datetime as dt
import uuid
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, has_duty
from ocrevus_tracker.accounts.models import Clinic, User
from ocrevus_tracker.audit import trail
from schedules.engine.screening import BY_CODE
from schedules.models import CheckInterval, ClinicRules, Closure

from .shared import UnableTo, long_date, saved_before

LONGEST_CLOSURE = dt.timedelta(days=366)


class UnableToChangeClinic(UnableTo):
    """Somebody who may not decide this, or days that cannot be right."""


def decides_for(actor: User, clinic: Clinic) -> bool:
    """Whether `actor` may change what `clinic` decides for itself."""
    return has_duty(actor, clinic, Duty.DECIDE)


def change_rules(
    *,
    clinic: Clinic,
    actor: User,
    now: dt.datetime,
    **fields: Any,  # noqa: ANN401 - fields of ClinicRules, each of its own type
) -> ClinicRules:
    """Save those `fields` of the clinic's rules that differ; the trail has before and after.

    Raises:
        UnableToChangeClinic: `actor` may not decide this.
        ValidationError: no treatment is chosen, or one is unknown.
    """
    with transaction.atomic():
        _take_turns(clinic, actor)
        rules = ClinicRules.objects.filter(clinic=clinic).first() or ClinicRules(clinic=clinic)
        changed = {
            name: (before, after)
            for name, after in fields.items()
            if (before := getattr(rules, name)) != after
        }
        if not changed:  # the same form again
            return rules
        for name, (_before, after) in changed.items():
            setattr(rules, name, after)
        rules.save()
        told = [f"{name}: {before} -> {after}" for name, (before, after) in changed.items()]
        _on_trail(clinic, "change clinic rules", rules, actor, now, reason="; ".join(told))
    return rules


def add_closure(
    *,
    clinic: Clinic,
    actor: User,
    now: dt.datetime,
    first_day: dt.date,
    last_day: dt.date,
    title: str,
    entry_key: uuid.UUID | None = None,
) -> Closure:
    """Close the clinic from `first_day` to `last_day`, local dates, both included.

    Raises:
        UnableToChangeClinic: `actor` may not decide this; the last day lies before the first, in
            the past or more than a year on; or the form was used for another clinic.
    """
    with transaction.atomic():
        _take_turns(clinic, actor)
        ours = Closure.objects.filter(clinic=clinic)
        if saved := saved_before(ours, entry_key, refusal=UnableToChangeClinic):
            return saved
        _refuse_days(first_day, last_day, today=clinic.local_date(now))
        closure = Closure.objects.create(
            clinic=clinic,
            first_day=first_day,
            last_day=last_day,
            title=title,
            entry_key=entry_key,
        )
        _on_trail(clinic, "add closure", closure, actor, now, reason=_in_words(closure))
    return closure


def remove_closure(*, closure: Closure, actor: User, now: dt.datetime) -> None:
    """The clinic is open on those days after all. Removing it twice removes it once.

    Raises:
        UnableToChangeClinic: `actor` may not decide this.
    """
    clinic = closure.clinic
    with transaction.atomic():
        _take_turns(clinic, actor)
        still_there = Closure.objects.filter(pk=closure.pk).first()
        if still_there is None:
            return
        _on_trail(clinic, "remove closure", closure, actor, now, reason=_in_words(still_there))
        still_there.delete()


def set_check_interval(
    *,
    clinic: Clinic,
    actor: User,
    now: dt.datetime,
    check_code: str,
    in_use: bool | None,
    every_months: int | None = None,
) -> None:
    """How `clinic` goes about one check. None for `in_use` goes back to the usual way.

    Without `every_months` the check's own interval stays.

    Raises:
        UnableToChangeClinic: `actor` may not decide this, or there is no such check.
    """
    with transaction.atomic():
        _take_turns(clinic, actor)
        if check_code not in BY_CODE:
            raise UnableToChangeClinic(_("There is no such check."))
        ours = CheckInterval.objects.filter(clinic=clinic, check_code=check_code)
        before = ours.first()
        known = before and (before.in_use, before.every_months)
        if known == (None if in_use is None else (in_use, every_months)):
            return
        if in_use is None:
            ours.delete()
            told = "as usual"
        else:
            CheckInterval.objects.update_or_create(
                clinic=clinic,
                check_code=check_code,
                defaults={"in_use": in_use, "every_months": every_months},
            )
            told = f"in use: {in_use}, months: {every_months}"
        _on_trail(clinic, "set check", clinic, actor, now, reason=f"{check_code}: {told}")


def _take_turns(clinic: Clinic, actor: User) -> None:
    """One decision at a time for each clinic, and only by those who may decide."""
    Clinic.objects.select_for_update().get(pk=clinic.pk)
    if not decides_for(actor, clinic):
        raise UnableToChangeClinic(
            _("Only a prescriber or the clinic's administrator can change this.")
        )


def _refuse_days(first_day: dt.date, last_day: dt.date, *, today: dt.date) -> None:
    if last_day < first_day:
        raise UnableToChangeClinic(_("The last day must not be before the first day."))
    if last_day < today:
        raise UnableToChangeClinic(_("The last day must be today or in the future."))
    if last_day - first_day > LONGEST_CLOSURE:
        raise UnableToChangeClinic(_("This closure is longer than a year. Check the year."))


def _in_words(closure: Closure) -> str:
    return f"{closure.title}: {long_date(closure.first_day)} - {long_date(closure.last_day)}"


def _on_trail(
    clinic: Clinic,
    act: str,
    subject: models.Model,
    actor: User,
    now: dt.datetime,
    *,
    reason: str,
) -> None:
    trail.record(at=now, actor=actor, clinic=clinic, act=act, subject=subject, reason=reason)
