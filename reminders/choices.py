"""What people decide about mail, one verb for each: which mails, in which words, and who helps.

As in `schedules.actions`: keyword-only, `now` is aware UTC, one transaction each with its audit
entry, and safe to do twice. `actor` is None for whoever follows a link in a mail: the link itself
is the right to do it. `helper` is None where the patient's own mails are meant.
"""

import datetime as dt

from django.db import transaction

from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit import trail
from schedules.models import Course, Patient

from .models import Helper, Preference, Topic

ALL_TOPICS = dict.fromkeys((topic.field for topic in Topic), False)


def choose_mails(
    *,
    patient: Patient,
    which: str,
    level: str,
    language: str,
    actor: User,
    now: dt.datetime,
) -> None:
    """Which mails `patient` wants ("all", "some": those not stopped, "needed" or "none"), how
    much they may say (a Level), and in which language.
    """
    fields = {
        "all": {"only_needed": False} | ALL_TOPICS,
        "some": {"only_needed": False},
        "needed": {"only_needed": True},
        "none": {},
    }[which]
    with transaction.atomic():
        changed = [
            _change_preference(patient, now, level=level, **fields),
            _change_person(patient, wants_reminders=which != "none", language=language),
        ]
        if any(changed):
            _follow_up("choose mails", patient, None, actor, now)


def stop_topic(
    *,
    patient: Patient,
    topic: Topic,
    now: dt.datetime,
    helper: Helper | None = None,
    actor: User | None = None,
) -> None:
    """No more mails of `topic` to this one recipient; all others stay as they are."""
    with transaction.atomic():
        if _change(patient, helper, now, **{topic.field: True}):
            _follow_up(f"stop {topic.value} mails", patient, helper, actor, now)


def resume_topic(
    *, patient: Patient, topic: Topic, now: dt.datetime, actor: User | None = None
) -> None:
    """Mails of `topic` to the patient again."""
    with transaction.atomic():
        if _change(patient, None, now, **{topic.field: False}):
            _follow_up(f"resume {topic.value} mails", patient, None, actor, now)


def want_fewer(
    *,
    patient: Patient,
    topic: Topic,
    now: dt.datetime,
    helper: Helper | None = None,
    actor: User | None = None,
) -> None:
    """Only mails that ask for something to be done; those of `topic` too, if they were stopped."""
    fields = {"only_needed": True, topic.field: False}
    with transaction.atomic():
        changed = [_change(patient, helper, now, **fields), _want_mail(patient, helper)]
        if any(changed):
            _follow_up("want fewer mails", patient, helper, actor, now)


def want_all(
    *,
    patient: Patient,
    now: dt.datetime,
    helper: Helper | None = None,
    actor: User | None = None,
) -> None:
    """Every mail again, whatever was stopped before."""
    fields = {"only_needed": False} | ALL_TOPICS
    with transaction.atomic():
        changed = [_change(patient, helper, now, **fields), _want_mail(patient, helper)]
        if any(changed):
            _follow_up("want all mails", patient, helper, actor, now)


def stop_all(*, patient: Patient, now: dt.datetime, actor: User | None = None) -> None:
    """No mail to the patient any more; staff see that they have to call instead.

    A helper who wants none is no helper any more: see `reminders.helpers`.
    """
    with transaction.atomic():
        if _change_person(patient, wants_reminders=False):
            _follow_up("stop all mails", patient, None, actor, now)


def _change(patient: Patient, helper: Helper | None, now: dt.datetime, **fields: bool) -> bool:
    """Whether the choices of this recipient were other ones; nobody's who was removed."""
    if helper is None:
        return _change_preference(patient, now, **fields)
    helping = Helper.objects.filter(pk=helper.pk, removed_at=None)
    return bool(helping.exclude(**fields).update(**fields))


def _change_preference(patient: Patient, now: dt.datetime, **fields: bool | str) -> bool:
    made = {"changed_at": now}
    Preference.objects.get_or_create(patient=patient, defaults=made)
    other = Preference.objects.filter(patient=patient).exclude(**fields)
    return bool(other.update(changed_at=now, **fields))


def _want_mail(patient: Patient, helper: Helper | None) -> bool:
    """A patient who wants some mail wants mail; a helper's choices say nothing about that."""
    return helper is None and _change_person(patient, wants_reminders=True)


def _change_person(patient: Patient, **fields: bool | str) -> bool:
    # These fields and no others: staff may be changing the record at this moment.
    return bool(Patient.objects.filter(pk=patient.pk).exclude(**fields).update(**fields))


def _follow_up(
    act: str, patient: Patient, helper: Helper | None, actor: User | None, now: dt.datetime
) -> None:
    Course.objects.filter(patient=patient).mark_unplanned()
    trail.record(at=now, actor=actor, clinic=patient.clinic, act=act, subject=helper or patient)
