"""What follows when an infusion is recorded, put right or taken back.

Nothing here is a verb: each runs in the transaction of one, with the course locked.
"""

import datetime as dt

from schedules.engine.forecast import Forecast
from schedules.models import Appointment, AppointmentStatus, Course, Infusion


def history_changed(course: Course, today: dt.date) -> Forecast:
    """Recompute the start and the next dose from the infusions that count now."""
    first = course.infusions.counting().order_by("given_on").first()
    course.started_on = first.given_on if first else None
    return course.store_forecast(today)


def close_visits(course: Course, infusion: Infusion) -> tuple[Appointment, ...]:
    """Close the visits that were for the dose just recorded; answers with those cancelled.

    The one on its day is done. An earlier one was not needed, nor a later one that lies nearer to
    this dose than to the next. Old history entered late takes nobody's coming visit away.
    """
    later = course.infusions.counting().filter(given_on__gt=infusion.given_on)
    next_due = None if later.exists() else course.next_due_on
    cancelled = []
    for visit in course.appointments.booked():
        after = (visit.local_date - infusion.given_on).days
        if after > 0 and (next_due is None or visit.local_date + dt.timedelta(after) >= next_due):
            continue
        visit.status = AppointmentStatus.CANCELLED if after else AppointmentStatus.FULFILLED
        visit.closed_by = infusion
        visit.save(update_fields=["status", "closed_by"])
        if after > 0:
            cancelled.append(visit)
    return tuple(cancelled)


def reopen_visits(course: Course, infusion: Infusion) -> None:
    """Book the visits again that `infusion` had closed, unless their time is taken meanwhile."""
    taken = course.appointments.booked().values("starts_at")
    course.appointments.filter(closed_by=infusion).exclude(starts_at__in=taken).update(
        status=AppointmentStatus.BOOKED, closed_by=None
    )
