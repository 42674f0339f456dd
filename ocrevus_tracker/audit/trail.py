"""Adding to the audit trail: what was done, what was seen, what left the house, who came in.

An entry is written in the transaction of the act it tells of, or before the page it tells of is
shown: there is no act and no reading without one. The chain is closed over it afterwards
(`sealing`), so that nobody waits for anybody here.
"""

import datetime as dt
import secrets
from collections.abc import Collection, Mapping
from typing import Any

from django.db import models, transaction

from ocrevus_tracker.accounts.models import Clinic, Membership, User

from . import digests
from .models import ERASE, VIEW, Detail, Entry

VIEW_LIST = "view list"
EXPORT = "export"
SYSTEM = "system"
PATIENT = "patient"
HELPER = "helper"

# What a verb changed: the old and the new value, by field.
Changes = Mapping[str, tuple[Any, Any]]


def record(
    *,
    at: dt.datetime,
    actor: User | None,
    clinic: Clinic,
    act: str,
    subject: models.Model,
    reason: str = "",
    changes: Changes | None = None,
    role: str = "",
) -> Entry:
    """Add an entry: `actor` did `act` to `subject` at `at` (aware UTC). None is the system, or
    whoever holds a link from a mail.

    `changes` are the fields that are not as before, `reason` is in the actor's own words. `role`
    is what the actor is there; left out, it is looked up among the clinic's people.
    """
    return _add(
        Entry(
            at=at,
            actor=actor,
            role=role or _role_of(actor, clinic),
            clinic=clinic,
            act=act,
            subject=name_of(subject),
            patient_id=_patient_of(subject),
        ),
        reason=reason,
        changes=changes,
    )


def record_view(
    *, at: dt.datetime, actor: User | None, role: str, clinic: Clinic, page: str, patient_id: int
) -> Entry:
    """Add that `actor`, being `role` there, opened `page` (the name of its address) about one
    patient. One row, and nothing is read for it.
    """
    return _add(
        Entry(
            at=at,
            actor=actor,
            role=role,
            clinic=clinic,
            act=VIEW,
            subject=f"page {page}"[:60],
            patient_id=patient_id,
        )
    )


def record_list(
    *, at: dt.datetime, actor: User, role: str, clinic: Clinic, page: str, shown: Collection[int]
) -> Entry:
    """Add that `actor` saw a list with these patients on it."""
    return _add(
        Entry(
            at=at,
            actor=actor,
            role=role,
            clinic=clinic,
            act=VIEW_LIST,
            subject=f"page {page}"[:60],
            shown=_as_text(shown),
        )
    )


def record_export(
    *,
    at: dt.datetime,
    actor: User | None,
    clinic: Clinic,
    what: str,
    reason: str = "",
    patient_id: int | None = None,
    shown: Collection[int] = (),
    role: str = "",
) -> Entry:
    """Add that `actor` takes `what` out of the house; called before the first byte leaves.

    `what` names the kind, as in "trail" or "own data"; `shown` are the patients in it, where
    there are several.
    """
    return _add(
        Entry(
            at=at,
            actor=actor,
            role=role or _role_of(actor, clinic),
            clinic=clinic,
            act=EXPORT,
            subject=what[:60],
            patient_id=patient_id,
            shown=_as_text(shown),
        ),
        reason=reason,
    )


def record_sign_in(
    *, at: dt.datetime, user: User | None, event: str, reason: str = "", role: str = ""
) -> Entry:
    """Add what happened at the door, in at most 40 characters, as in "sign in".

    `user` is None where nobody here has that address: the same work is done then, so that no
    answer comes sooner. `reason` may say by what means ("passkey"), and holds nothing typed.
    """
    return _add(
        Entry(
            at=at,
            actor=user,
            role=role or _role_anywhere(user),
            clinic=None,
            act=event,
            subject=name_of(user) if user else "",
        ),
        reason=reason,
    )


def erase(
    *, at: dt.datetime, actor: User | None, clinic: Clinic, patient_id: int, reason: str = ""
) -> int:
    """Take the values and words about one patient out of the trail; returns of how many entries.

    What was done, when and by whom stays, and so does the chain. That they are gone is an entry
    of its own, without which the database refuses to let them go. `reason` is kept: no names.
    """
    with transaction.atomic():
        told = _add(
            Entry(
                at=at,
                actor=actor,
                role=_role_of(actor, clinic),
                clinic=clinic,
                act=ERASE,
                subject=f"patient {patient_id}",
                patient_id=patient_id,
            ),
            reason=reason,
        )
        about = Detail.objects.filter(entry__patient_id=patient_id, entry__lt=told.pk)
        return about.delete()[0]


def latest(*, clinic: Clinic, subject: models.Model) -> Entry:
    """The newest entry about `subject`: who touched it last, and when.

    Raises:
        Entry.DoesNotExist: nobody has; what is written by a verb has one.
    """
    about = Entry.objects.filter(clinic=clinic, subject=name_of(subject)).exclude(act=VIEW)
    return about.select_related("actor").latest("at", "pk")


def name_of(subject: models.Model) -> str:
    """How the trail names a row."""
    return f"{subject._meta.model_name} {subject.pk}"  # noqa: SLF001 - Django's public _meta


def _add(entry: Entry, *, reason: str = "", changes: Changes | None = None) -> Entry:
    """Sign the entry and save it, with its details where there are any."""
    entry.nonce = secrets.token_hex(16)
    if not (reason or changes):
        entry.digest = digests.sign(entry)
        entry.save(force_insert=True)
        return entry
    fields = [[name, _as_json(old), _as_json(new)] for name, (old, new) in (changes or {}).items()]
    detail = Detail(salt=secrets.token_hex(16), reason=str(reason), changes=fields)
    entry.details = digests.sign(detail)
    entry.digest = digests.sign(entry)
    with transaction.atomic():
        entry.save(force_insert=True)
        detail.entry = entry
        detail.save(force_insert=True)
    return entry


def _as_json(value: Any) -> Any:  # noqa: ANN401 - of any field
    """A value that JSON, and each database's JSON, gives back as it was."""
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(str(one) for one in value)
    if value is None or isinstance(value, (bool, int)):
        return value
    return str(value)


def _as_text(ids: Collection[int]) -> str:
    return f",{','.join(str(one) for one in ids)}," if ids else ""


def _role_of(actor: User | None, clinic: Clinic) -> str:
    if actor is None:
        return SYSTEM
    works_as = Membership.objects.filter(user=actor, clinic=clinic).values_list("role", flat=True)
    return works_as.first() or PATIENT


def _role_anywhere(user: User | None) -> str:
    works = Membership.objects.filter(user_id=user.pk if user else 0).order_by("pk")
    role = works.values_list("role", flat=True).first()
    return role or (PATIENT if user else SYSTEM)


def _patient_of(subject: models.Model) -> int | None:
    """Whose record `subject` is part of; None for what belongs to the clinic."""
    if subject._meta.model_name == "patient":  # noqa: SLF001 - see name_of
        return int(subject.pk)
    for name in ("patient_id", "course_id", "infusion_id", "helper_id"):
        if getattr(subject, name, None) is None:
            continue
        if name == "patient_id":
            return int(subject.patient_id)  # type: ignore[attr-defined]
        return _patient_of(getattr(subject, name.removesuffix("_id")))
    return None
