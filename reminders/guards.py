"""When nothing may be sent: this is a copy of somebody else's database, or an older one of ours.

Planning goes on meanwhile. `/readyz` and the log say what is the matter and what to do.
"""

import datetime as dt
import logging

from django.conf import settings

from . import journal
from .models import Deployment, Heartbeat, Reminder

log = logging.getLogger(__name__)

OTHER_DEPLOYMENT = "other-deployment"
JOURNAL_AHEAD = "journal-ahead"
WHAT_TO_DO = {
    OTHER_DEPLOYMENT: (
        "This database belongs to another deployment: its mails are not ours to send. If it has "
        "moved here for good, run `manage.py adopt_deployment`; if not, give this one a database "
        "of its own, or the right DEPLOYMENT_ID."
    ),
    JOURNAL_AHEAD: (
        "The receipt journal knows of mails that the database has never heard of: an older "
        "database was put in its place. Run `manage.py after_restore --backup-time …` with the "
        "time of the backup."
    ),
}

RECEIPTS = 50  # how far back the newest is looked for


def may_send(*, now: dt.datetime) -> bool:
    """Whether mails may go out at `now` (aware UTC). Says in the log why not, once."""
    _adopt_on_first_start()
    if refusal() is None and _journal_is_ahead():
        running = Deployment.objects.filter(pk=1, halted_at=None)
        running.update(halted_at=now, halted_for=JOURNAL_AHEAD)
    reason = refusal()
    _say(reason)
    return reason is None


def refusal() -> str | None:
    """Why nothing may be sent, as a key of `WHAT_TO_DO`, as far as the database knows."""
    row = Deployment.objects.filter(pk=1).first()
    if row is None:
        return None
    if row.deployment_id not in ("", settings.DEPLOYMENT_ID):
        return OTHER_DEPLOYMENT
    return row.halted_for if row.halted_at else None


def adopt() -> None:
    """Make this database the one of the deployment that the environment names."""
    _adopt_on_first_start()
    Deployment.objects.filter(pk=1).update(deployment_id=settings.DEPLOYMENT_ID)


def release() -> None:
    """Let sending go on; what the journal holds so far is accounted for."""
    _adopt_on_first_start()
    journal.draw_line()
    Deployment.objects.filter(pk=1).update(halted_at=None, halted_for="")


def _adopt_on_first_start() -> None:
    row = Deployment.objects.filter(pk=1).first()
    if row is None:
        # What stands in the journal by now is about another database.
        journal.draw_line()
        row = Deployment(pk=1, deployment_id=settings.DEPLOYMENT_ID)
        Deployment.objects.bulk_create([row], ignore_conflicts=True)
    elif settings.DEPLOYMENT_ID and not row.deployment_id:
        nameless = Deployment.objects.filter(pk=1, deployment_id="")
        nameless.update(deployment_id=settings.DEPLOYMENT_ID)


def _journal_is_ahead() -> bool:
    """The newest receipt is of a mail that the table does not have, and the last delivery that the
    database remembers is older than it.

    Where it remembers a later one, the mail's row has gone with its person.
    """
    newest = journal.tail(RECEIPTS)
    if not newest or Reminder.objects.filter(message_id=newest[-1]).exists():
        return False
    heartbeat = Heartbeat.objects.filter(delivered_at__gt=journal.written_at())
    return not heartbeat.exists()


_said: str | None = None


def _say(reason: str | None) -> None:
    global _said  # noqa: PLW0603 - once a process, not once a minute
    if reason != _said and reason is not None:
        log.error("No mail is sent. %s", WHAT_TO_DO[reason])
    _said = reason
