"""What others report about mails that left: it arrived, it came back, the relay has it.

Reports come twice, late, in any order, and before our own commit. So each is kept once, as it
came, and a mail's state follows from all that is known about it, not from what came last.
"""

import datetime as dt
import logging
import re
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from ocrevus_tracker.audit import trail
from ocrevus_tracker.audit.models import Entry
from schedules.models import Course, Patient

from .identity import message_id_of
from .lookups import OneOf
from .models import DeadAddress, DeliveryEvent, EventKind, Helper, Reminder, State

log = logging.getLogger(__name__)

# The left part of a Message-ID, and an event's id, as far as we keep them as they are.
MARK = re.compile(r"[0-9A-Za-z._-]{1,64}")
PLAIN_ID = re.compile(r"[\x21-\x7e]{1,128}")
# A report about a mail that is not in the table: a database brought back may still learn of it.
# Sign-in codes have none and never will.
KEEP_STRANGE_FOR = dt.timedelta(days=30)
CAME_BACK = (EventKind.BOUNCED, EventKind.REJECTED)
ARRIVED = (EventKind.DELIVERED, EventKind.COMPLAINED)
RELAY_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One report. `mark` is the left part of our Message-ID, `at` aware UTC; `is_hard` says that
    the address itself is no good. `recipient` is the address that was written to, where it is told.
    """

    provider: str
    event_id: str
    kind: EventKind
    mark: str
    at: dt.datetime
    is_hard: bool = False
    recipient: str = ""


def mark_in(message_id: object) -> str | None:
    """The left part of `message_id`, with or without brackets and host; None if it has no form."""
    if not isinstance(message_id, str):
        return None
    left = message_id.strip().removeprefix("<").removesuffix(">").partition("@")[0]
    return left if MARK.fullmatch(left) else None


def id_of(*parts: object) -> str:
    """An id for a report that brought none: the same parts give the same one."""
    return sha256(repr(parts).encode()).hexdigest()


def take(event: Event, *, now: dt.datetime) -> bool:
    """Keep `event` and let what it proves come true; False when it was known already.

    Any report proves that the mail was accepted, whatever its row says: a worker that is still
    about to write down the answer, or to try again, finds that out by its own condition.
    `now` is aware UTC. A report from the future counts as of now.
    """
    event_id = event.event_id if PLAIN_ID.fullmatch(event.event_id) else id_of(event.event_id)
    with transaction.atomic():
        reminder = Reminder.objects.filter(message_id=event.mark).first()
        _row, is_new = DeliveryEvent.objects.get_or_create(
            provider=event.provider,
            event_id=event_id,
            defaults={
                "kind": event.kind,
                "message_id": event.mark,
                "happened_at": min(event.at, now),
                "received_at": now,
                "is_hard": event.is_hard,
                "reminder": reminder,
            },
        )
        if is_new and reminder:
            _follow(reminder.pk, now)
            _learn(reminder, event, now)
    return is_new


def attach_early_events(*, now: dt.datetime) -> int:
    """Give the reports that came before their mail's row to that row; returns how many mails there
    were. Those that never found one are dropped after a month.
    """
    strange = DeliveryEvent.objects.filter(reminder=None)
    strange.filter(received_at__lt=now - KEEP_STRANGE_FOR).delete()
    rows = Reminder.objects.filter(message_id=OuterRef("message_id"))
    known = strange.annotate(row=Subquery(rows.values("pk")[:1])).exclude(row=None)
    found = list(known.order_by("row", "happened_at"))
    for early in found:
        with transaction.atomic():
            if not strange.filter(pk=early.pk).update(reminder_id=early.row):
                continue
            _follow(early.row, now)
            _learn(Reminder.objects.get(pk=early.row), _as_told(early), now)
    return len({early.row for early in found})


def unreported(rows: Sequence[Reminder], *, now: dt.datetime) -> list[Reminder]:
    """Those of `rows`, claimed and not yet sent, that nobody has reported as sent.

    The others went out before the database came back from a backup: the same fact was entered
    again, and its mail has the same mark. They are settled by what was reported.
    """
    marked = {message_id_of(row): row for row in rows}
    early = DeliveryEvent.objects.filter(OneOf("message_id", marked), reminder=None)
    told = set(early.values_list("message_id", flat=True))
    for mark in told:
        Reminder.objects.filter(pk=marked[mark].pk).update(message_id=mark)
    if told:
        attach_early_events(now=now)
    return [row for mark, row in marked.items() if mark not in told]


def relay_says(message_ids: Collection[str]) -> set[str]:
    """Those of `message_ids` (left parts) that the mail relay has taken, as far as it can be asked.

    Asks the command of REMINDER_RELAY_LOOKUP: ids on its input, one a line; those that it prints
    were taken. A command that fails or is slow has said nothing.
    """
    command = settings.REMINDER_RELAY_LOOKUP
    if not command or not message_ids:
        return set()
    try:
        answer = subprocess.run(  # noqa: S603 - the operator's own command, and no shell
            command,
            input="".join(f"{one}\n" for one in sorted(message_ids)),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=RELAY_SECONDS,
            check=True,
            env=_without_secrets(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("The relay could not be asked (%s)", type(error).__name__)
        return set()
    said = {mark_in(line) for line in answer.stdout.splitlines()}
    return {one for one in message_ids if one in said}


def _without_secrets() -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(Path.home())}


def _as_told(early: DeliveryEvent) -> Event:
    return Event(
        provider=early.provider,
        event_id=early.event_id,
        kind=EventKind(early.kind),
        mark=early.message_id,
        at=early.happened_at,
        is_hard=early.is_hard,
    )


def _follow(pk: int, now: dt.datetime) -> None:
    """Bring a row to the state that its reports prove."""
    rows = Reminder.objects.filter(pk=pk)
    # Written first, so that two reports about one mail take turns from here on.
    rows.update(accepted_at=Coalesce("accepted_at", now))
    events = list(DeliveryEvent.objects.filter(reminder=pk))
    rows.update(**_proven(events), lease_until=None, last_error="")


def _proven(events: list[DeliveryEvent]) -> dict[str, object]:
    """A hard bounce outweighs all; otherwise the later of arriving and coming back is true."""
    arrived = max((e.happened_at for e in events if e.kind in ARRIVED), default=None)
    returned = [e for e in events if e.kind in CAME_BACK]
    came_back = max((e.happened_at for e in returned), default=None)
    state = State.ACCEPTED
    if came_back and (any(e.is_hard for e in returned) or not arrived or came_back >= arrived):
        state = State.BOUNCED
    elif arrived:
        state = State.DELIVERED
    return {"state": state, "delivered_at": arrived, "bounced_at": came_back}


def _learn(reminder: Reminder, event: Event, now: dt.datetime) -> None:
    """What a report says about the person's address, or about what they want."""
    if reminder.patient is None:
        return
    if event.kind in CAME_BACK and event.is_hard:
        _note_dead_address(reminder, reminder.patient, event, now)
    elif event.kind == EventKind.COMPLAINED:
        _stop_mail(reminder, reminder.patient, now)


def _note_dead_address(
    reminder: Reminder, patient: Patient, event: Event, now: dt.datetime
) -> None:
    person = reminder.helper or patient
    if not person.email or _is_another(person.email, reminder, patient, event):
        return
    row, is_new = DeadAddress.objects.get_or_create(
        patient=patient,
        email=person.email,
        defaults={"helper": reminder.helper, "found_at": now},
    )
    if is_new:
        Course.objects.filter(patient=patient).mark_unplanned()
        act = "find address dead"
        trail.record(at=now, actor=None, clinic=patient.clinic, act=act, subject=row)
        log.info("The address of %s is no good", person)


def _is_another(email: str, reminder: Reminder, patient: Patient, event: Event) -> bool:
    """Whether the mail may have gone to another address than the one in use now."""
    if event.recipient:
        return event.recipient.casefold() != email.casefold()
    try:
        changed_at = trail.latest(clinic=patient.clinic, subject=patient).at
    except Entry.DoesNotExist:
        return False
    return reminder.dated_at is None or changed_at > reminder.dated_at


def _stop_mail(reminder: Reminder, patient: Patient, now: dt.datetime) -> None:
    """Who calls our mail spam gets no more of it: their mail service would hold it back anyway,
    and that of others with it. Staff see that they have to call.
    """
    if reminder.helper:
        asked = Helper.objects.filter(pk=reminder.helper.pk, removed_at=None)
        # Whoever sees dates goes on seeing them.
        seeing = asked.filter(accepted_at__isnull=False, sees_dates=True)
        changed = asked.exclude(pk__in=seeing).update(removed_at=now)
        changed += seeing.filter(gets_copies=True).update(gets_copies=False)
    else:
        wanting = Patient.objects.filter(pk=patient.pk, wants_reminders=True)
        changed = wanting.update(wants_reminders=False)
    if changed:
        Course.objects.filter(patient=patient).mark_unplanned()
        subject = reminder.helper or patient
        trail.record(
            at=now, actor=None, clinic=patient.clinic, act="called mail spam", subject=subject
        )
