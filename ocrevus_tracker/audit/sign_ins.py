"""Sign-in events in the trail: who came in, went out, or changed how they get in."""

from django.db.models import Q

from ocrevus_tracker.accounts.events import Event, What
from ocrevus_tracker.accounts.models import Clinic

from .trail import record


def record_sign_in(event: Event) -> None:
    """Add an entry at each clinic that the person works at or is treated at.

    Tries that failed and codes that were sent stay in the log: an entry belongs to a clinic, so
    they could be written for people whom we know alone, and the time that a write takes would
    tell them from strangers.
    """
    if event.person is None or event.what in {What.FAILED, What.CODE_SENT}:
        return
    theirs = Q(memberships__user=event.person) | Q(patients__user=event.person)
    for clinic in Clinic.objects.filter(theirs).distinct().order_by("pk"):
        record(
            at=event.at,
            actor=event.person,
            clinic=clinic,
            act=event.what,
            subject=event.person,
            reason=event.detail,
        )
