"""Sign-in events in the trail: who came in, went out, was refused, or changed how they get in."""

from ocrevus_tracker.accounts.events import Event

from . import trail


def record_sign_in(event: Event) -> None:
    """Add an entry, which belongs to no clinic: the pages show it at each clinic of the person.

    For an address that nobody has as well, and by the same work: who tries addresses learns
    nothing from the time that an answer takes.
    """
    trail.record_sign_in(at=event.at, user=event.person, event=event.what, reason=event.detail)
