"""Which mails a clinic sends, and when: its policy read, saved as a new version, brought back.

A new version is in force at once, but what it changes goes out from the clinic's next day on, so
that whoever saves it can still think again. The day on which booking opens and the day on which a
visit is late are the clinic's own numbers too: pages and mails say the same.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.models import Clinic, User
from ocrevus_tracker.audit import trail
from schedules.actions import UnableTo, decides_for
from schedules.actions.shared import long_date
from schedules.models import Course
from schedules.templatetags.tracker import clock

from . import policy_rules, rules
from .models import STOPPABLE, Kind, Policy, Reminder, State
from .policy_rules import Rows
from .rules import Rule


class UnableToSavePolicy(UnableTo):
    """Rows that make no sense, or somebody who may not decide this."""


class PolicyHasChanged(UnableToSavePolicy):
    """Somebody else saved another version meanwhile."""


@dataclass(frozen=True, slots=True)
class InUse:
    """The rows in force at a clinic, and from when on what they call for may go (aware UTC)."""

    rows: dict[str, int]
    starts_at: dt.datetime


def newest(clinic: Clinic) -> Policy | None:
    """The version in force; None where nobody has changed the usual one."""
    return Policy.objects.filter(clinic=clinic).select_related("made_by").first()


def policy_of(clinic: Clinic) -> dict[str, int]:
    """The rows in force at `clinic`: kind -> days from its anchor; what is left out is not sent."""
    policy = newest(clinic)
    return dict(policy.rows) if policy else _usual(clinic)


def rules_of(clinic: Clinic, rows: Rows | None = None) -> tuple[Rule, ...]:
    """The rules in force at `clinic`, or those that `rows` would make."""
    if rows is None:
        policy = newest(clinic)
        rows = policy.rows if policy else None
    return policy_rules.policy_for(**_numbers(clinic), rows=rows)


def versions_in_use() -> dict[int, InUse]:
    """By the id of the clinic, for those that have changed the usual policy. One query."""
    newer = Policy.objects.filter(clinic=OuterRef("clinic"), version__gt=OuterRef("version"))
    found = Policy.objects.filter(~Exists(newer)).select_related("clinic")
    return {one.clinic_id: InUse(dict(one.rows), starts_at(one)) for one in found}


def starts_at(policy: Policy) -> dt.datetime:
    """When what this version changed may first go out: the next day, when mails begin."""
    next_day = policy.clinic.local_date(policy.made_at) + dt.timedelta(days=1)
    return rules.local_moment(next_day, rules.FIRST_HOUR, policy.clinic.tz)


def save_policy(
    *, clinic: Clinic, rows: Mapping[str, int], actor: User, now: dt.datetime, seen: int
) -> Policy | None:
    """Make `rows` the policy of `clinic`; `seen` is the version that `actor` had before them.

    The clinic's open courses are planned anew, and mails that wait under a rule that changed are
    taken back, to be planned again if they still fit. Rows that are in force already are not saved
    again; the answer is the version in force (None: the usual one).

    Raises:
        UnableToSavePolicy: `actor` may not decide this, or the rows cannot be.
        PolicyHasChanged: somebody saved another version after `seen`.
    """
    with transaction.atomic():
        clinic = _take_turns(clinic, actor)
        _refuse_nonsense(clinic, rows)
        return _add_version(clinic, rows, actor=actor, now=now, seen=seen)


def restore_policy(
    *, clinic: Clinic, version: int, actor: User, now: dt.datetime, seen: int
) -> Policy | None:
    """Make the rows of an earlier `version` those in force again, as a new version.

    Raises:
        UnableToSavePolicy: `actor` may not decide this, or there is no such version.
        PolicyHasChanged: as for `save_policy`.
    """
    with transaction.atomic():
        clinic = _take_turns(clinic, actor)
        earlier = Policy.objects.filter(clinic=clinic, version=version).first()
        if earlier is None:
            raise UnableToSavePolicy(_("There is no such version."))
        return _add_version(
            clinic, earlier.rows, actor=actor, now=now, seen=seen, restored_from=version
        )


def _take_turns(clinic: Clinic, actor: User) -> Clinic:
    """The clinic as it is now, for one decision at a time, and only for those who may decide."""
    locked = Clinic.objects.select_for_update().get(pk=clinic.pk)
    if not decides_for(actor, locked):
        raise UnableToSavePolicy(
            _("Only a prescriber or the clinic's administrator can change this.")
        )
    return locked


def _add_version(
    clinic: Clinic,
    rows: Mapping[str, int],
    *,
    actor: User,
    now: dt.datetime,
    seen: int,
    restored_from: int | None = None,
) -> Policy | None:
    before, rows_before = newest(clinic), policy_of(clinic)
    if rows == rows_before:  # the same form again, or nothing changed
        return before
    if before and before.version != seen:
        raise PolicyHasChanged(who_was_first(before, now))
    changed = _changed(rules_of(clinic), rules_of(clinic, rows))
    policy = Policy.objects.create(
        clinic=clinic,
        version=before.version + 1 if before else 1,
        rows=dict(rows),
        made_at=now,
        made_by=actor,
        restored_from=restored_from,
    )
    _apply(clinic, rows, changed)
    told = "; ".join(
        f"{kind}: {rows_before.get(kind, 'off')} -> {rows.get(kind, 'off')}"
        for kind in policy_rules.LIMITS
        if rows_before.get(kind) != rows.get(kind)
    )
    act = "restore mail policy" if restored_from else "change mail policy"
    trail.record(at=now, actor=actor, clinic=clinic, act=act, subject=policy, reason=told)
    return policy


def _apply(clinic: Clinic, rows: Rows, changed: set[str]) -> None:
    """Tell the pages, and have the mails planned anew."""
    Clinic.objects.filter(pk=clinic.pk).update(
        booking_opens_days=-rows.get("book-1", -clinic.booking_opens_days),
        late_after_days=rows.get("overdue-1", clinic.late_after_days),
    )
    waiting = Reminder.objects.filter(state__in=STOPPABLE, kind__in=changed, resend_of=None)
    waiting.filter(patient__clinic=clinic).update(state=State.CANCELLED)
    Course.objects.open().filter(patient__clinic=clinic).mark_unplanned()


def _changed(before: tuple[Rule, ...], after: tuple[Rule, ...]) -> set[str]:
    """The kinds whose windows are not the same."""
    return {rule.kind for rule in set(before) ^ set(after)}


def _numbers(clinic: Clinic) -> dict[str, int]:
    return {
        "booking_opens_days": clinic.booking_opens_days,
        "late_after_days": clinic.late_after_days,
    }


def _usual(clinic: Clinic) -> dict[str, int]:
    """The usual rows with the clinic's two numbers, without those that come too early for them."""
    rows = policy_rules.DEFAULT | {
        "book-1": -clinic.booking_opens_days,
        "overdue-1": clinic.late_after_days,
    }
    while wrong := policy_rules.out_of_order(rows, **_numbers(clinic)):
        del rows[wrong[0][0]]
    return rows


def _refuse_nonsense(clinic: Clinic, rows: Mapping[str, int]) -> None:
    if not clinic.phone.strip():
        raise UnableToSavePolicy(
            _("The clinic has no phone number, and every mail names it. Add it first.")
        )
    for kind in policy_rules.out_of_limits(rows):
        raise UnableToSavePolicy(limits_words(kind))
    for kind, earlier in out_of_order(clinic, rows):
        raise UnableToSavePolicy(order_words(kind, earlier))


def out_of_order(clinic: Clinic, rows: Rows) -> list[tuple[str, str]]:
    """As in `rules`, with the numbers of `clinic`."""
    return policy_rules.out_of_order(rows, **_numbers(clinic))


def order_words(kind: str, earlier: str) -> str:
    """That a mail of `kind` would not come after the one before it."""
    told = _("“{kind}” must come later than “{earlier}”.")
    return told.format(kind=Kind(kind).label, earlier=Kind(earlier).label)


def limits_words(kind: str) -> str:
    """Between which days a mail of `kind` may be."""
    if kind not in policy_rules.LIMITS:
        return _("There is no such email.")
    first, last = sorted(abs(days) for days in policy_rules.LIMITS[kind])
    told = _("“{kind}”: enter a number of days from {first} to {last}.")
    return told.format(kind=Kind(kind).label, first=first, last=last)


def who_was_first(policy: Policy, now: dt.datetime) -> str:
    """Who saved `policy`, and when by the clinic's clock."""
    clinic = policy.clinic
    with timezone.override(clinic.tz):
        when = clock(policy.made_at)
        if (day := clinic.local_date(policy.made_at)) != clinic.local_date(now):
            when = f"{long_date(day)}, {when}"
    name = policy.made_by.get_short_name() if policy.made_by else _("The system")
    told = _(
        "{name} saved another version meanwhile ({when}). Check that version, then save yours."
    )
    return told.format(name=name, when=when)
