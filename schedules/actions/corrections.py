"""Putting a record right, and marking one as a mistake. Nothing is ever erased."""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.models import User
from schedules.models import (
    GIVEN_FIELDS,
    Correction,
    Course,
    DateMove,
    Infusion,
    Outcome,
)

from .consequences import resume_after_reaction, take_effect_anew, with_those_after
from .corrected import Corrected, Standing
from .refusing import refuse_contradiction, refuse_impossible
from .shared import UnableTo, locked, must_treat, on_trail, saved_before, who_changed

# What can be put right. Who recorded it, when, and for whom cannot: that is a mistake to mark.
CORRECTABLE = (
    *GIVEN_FIELDS,
    *("reaction_response", "lot", "premedication", "rate"),
    *("started_at", "ended_at", "observed_until", "note"),
)


class UnableToCorrect(UnableTo):
    """Nothing differs, it could not have been so, or the record is marked as a mistake."""


class ChangedMeanwhile(UnableToCorrect):
    """Somebody changed the record after the page was opened: `infusion` is that version."""

    def __init__(self, message: str, infusion: Infusion) -> None:
        super().__init__(message)
        self.infusion = infusion


def correct_infusion(
    *,
    infusion: Infusion,
    actor: User,
    now: dt.datetime,
    revision: int,
    reason: str,
    tell_patient: bool = True,
    entry_key: uuid.UUID | None = None,
    **changes: Any,  # noqa: ANN401 - the fields of CORRECTABLE
) -> Corrected:
    """Put `changes` (fields of CORRECTABLE) into the record; all follows as if right at once.

    `revision` is that of the version that was looked at. Where the next due date moves, a
    patient who was told the old one is written to, unless `tell_patient` is false.

    Raises:
        ChangedMeanwhile: somebody else changed it since.
        UnableToCorrect: it is marked as a mistake, nothing differs, or what is refused when an
            infusion is recorded.
    """
    with transaction.atomic():
        course = locked(infusion.course)
        must_treat(actor, course, UnableToCorrect)
        infusion = course.infusions.get(pk=infusion.pk)
        if saved_before(infusion.corrections.all(), entry_key, refusal=UnableToCorrect):
            return _as_it_is(infusion, now)
        _refuse_stale(infusion, revision, now)
        after = _differing(infusion, changes)
        if not after:
            raise UnableToCorrect(_("Nothing is changed yet. Change what was wrong, then save."))
        correction = Correction(
            infusion=infusion,
            before={name: getattr(infusion, name) for name in after},
            after=after,
            reason=reason,
            corrected_by=actor,
            corrected_at=now,
            entry_key=entry_key,
        )
        return _put_right(infusion, correction, after, tell_patient=tell_patient)


def void_infusion(
    *,
    infusion: Infusion,
    actor: User,
    now: dt.datetime,
    revision: int,
    reason: str,
    tell_patient: bool = True,
    entry_key: uuid.UUID | None = None,
) -> Corrected:
    """Mark the record as a mistake: it stays, and leaves every computation.

    Raises:
        ChangedMeanwhile: somebody else changed it since.
        UnableToCorrect: it is marked already, or another record depends on it.
    """
    with transaction.atomic():
        course = locked(infusion.course)
        must_treat(actor, course, UnableToCorrect)
        infusion = course.infusions.get(pk=infusion.pk)
        if saved_before(infusion.corrections.all(), entry_key, refusal=UnableToCorrect):
            return _as_it_is(infusion, now)
        _refuse_stale(infusion, revision, now)
        correction = Correction(
            infusion=infusion,
            before={"voided": False},
            after={"voided": True},
            reason=reason,
            corrected_by=actor,
            corrected_at=now,
            entry_key=entry_key,
        )
        marks = {"voided_at": now, "voided_by": actor}
        return _put_right(infusion, correction, marks, tell_patient=tell_patient)


def foresee(verb: Callable[..., Corrected], **facts: Any) -> Corrected:  # noqa: ANN401 - the verb's own
    """What `verb` of this module would do: done and taken back at once, nothing is kept.

    Raises:
        UnableToCorrect: as `verb`.
    """
    with transaction.atomic():
        corrected = verb(**facts)
        transaction.set_rollback(True)
    return corrected


def _refuse_stale(infusion: Infusion, revision: int, now: dt.datetime) -> None:
    """Whoever comes second sees first what the other one did."""
    if infusion.voided_at:
        raise UnableToCorrect(
            _("This record was marked as a mistake. If the infusion was given, record it anew.")
        )
    if infusion.revision != revision:
        raise ChangedMeanwhile(who_changed(infusion, now), infusion)


def _differing(infusion: Infusion, changes: dict[str, Any]) -> dict[str, Any]:
    """The new values, by field, that are not as recorded.

    Raises:
        TypeError: a field cannot be corrected.
    """
    if unknown := changes.keys() - set(CORRECTABLE):
        raise TypeError(f"no fields to correct: {', '.join(sorted(unknown))}")
    wanted = dict(changes)
    # Only what was stopped early has something to decide.
    if wanted.get("outcome", infusion.outcome) != Outcome.PARTIAL:
        wanted["disposition"] = ""
    return {name: value for name, value in wanted.items() if value != getattr(infusion, name)}


def _put_right(
    infusion: Infusion, correction: Correction, values: dict[str, Any], *, tell_patient: bool
) -> Corrected:
    """Save `values` and the correction, and let everything that hangs on them follow."""
    actor, now = correction.corrected_by, correction.corrected_at
    courses = with_those_after(infusion.course)
    current = courses[-1]
    before = Standing.of(courses)
    resume_after_reaction(current, infusion)
    _save(infusion, values, courses, today=current.patient.clinic.local_date(now))
    correction.save()
    if {*GIVEN_FIELDS, "voided_at"} & values.keys():
        take_effect_anew(infusion, courses, actor=actor, now=now)
    after = Standing.of(courses)
    if before.due_on != after.due_on:
        DateMove.objects.create(
            course=current,
            from_on=before.due_on,
            to_on=after.due_on,
            moved_at=now,
            tell_patient=tell_patient,
        )
    _onto_trail(correction)
    found = current.forecast(current.patient.clinic.local_date(now))
    return Corrected(infusion, found, before, after, correction)


def _save(
    infusion: Infusion, values: dict[str, Any], courses: Sequence[Course], *, today: dt.date
) -> None:
    """Write `values` into the row, unless it could not have been so."""
    for name, value in values.items():
        setattr(infusion, name, value)
    if infusion.voided_at is None:
        refuse_impossible(infusion.course, infusion, today=today, refusal=UnableToCorrect)
    infusion.revision += 1
    # Recorded before the day it was given on: what "not in the future" means moves along.
    infusion.recorded_on = max(infusion.recorded_on, infusion.given_on)
    infusion.save(update_fields=[*values, "revision", "recorded_on"])
    for course in courses:
        refuse_contradiction(course, today=today, refusal=UnableToCorrect)


def _onto_trail(correction: Correction) -> None:
    """Who put what right, and why."""
    infusion = correction.infusion
    both = {name: (old, correction.after[name]) for name, old in correction.before.items()}
    on_trail(
        infusion.course,
        "void infusion" if "voided" in correction.after else "correct infusion",
        infusion,
        actor=correction.corrected_by,
        now=correction.corrected_at,
        reason=correction.reason,
        changes={} if "voided" in both else both,
    )


def _as_it_is(infusion: Infusion, now: dt.datetime) -> Corrected:
    """The answer to a form sent twice: nothing moves."""
    courses = with_those_after(infusion.course)
    here = Standing.of(courses)
    found = courses[-1].forecast(infusion.course.patient.clinic.local_date(now))
    return Corrected(infusion, found, here, here)
