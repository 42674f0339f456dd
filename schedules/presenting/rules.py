"""The states of the patient's home page, in the order in which they are asked."""

from collections.abc import Callable, Sequence

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules.templatetags.tracker import in_words, long_date

from .shapes import (
    ON_HOLD,
    PAUSED,
    Facts,
    HomeState,
    PauseWords,
    booked,
    booking_opens,
    date_words,
    due_around,
    no_date,
    time_words,
    where_and_how_long,
)

# "This week" and "book now" in the sense of the patient page, in days. No clinic has asked for
# others yet.
SOON_DAYS = 7
BOOK_NOW_DAYS = 14


def _missing(facts: Facts) -> HomeState | None:
    """O: nobody can say the date before a clinician has decided something."""
    return no_date() if facts.forecast.state == "pending_clinician" else None


def _stopped(facts: Facts) -> HomeState | None:
    """N."""
    if facts.forecast.state != "discontinued":
        return None
    stopped_on = facts.course.stopped_on
    told = _("Your infusions at this clinic stopped.")
    if stopped_on:
        told = _("Your infusions at this clinic stopped on {date}.").format(
            date=date_words(stopped_on)
        )
    return HomeState(
        "N",
        "stopped",
        _("Stopped"),
        _("No more infusions planned"),
        text=(told, _("You can still see and print your past dates.")),
    )


def _paused(facts: Facts) -> HomeState | None:
    """M: on hold or on pause, also before a first date is planned. The reason is nobody's here."""
    if not facts.held:
        return None
    words = PAUSED if any(hold.is_pause for hold in facts.held) else ON_HOLD
    until = facts.held_until
    return HomeState(
        "M",
        "paused",
        str(words.tag),
        date_words(until) if until else str(words.big),
        lead=str(words.until) if until else "",
        day=until,
        when=in_words(until, facts.today) if until else "",
        text=_paused_text(facts, words),
        call=_("Call with a question"),
    )


def _paused_text(facts: Facts, words: PauseWords) -> tuple[str, ...]:
    since = str(words.since).format(date=date_words(min(hold.starts_on for hold in facts.held)))
    return since, _what_follows(facts), *_held_visit(facts), str(words.no_reminders)


def _what_follows(facts: Facts) -> str:
    """When infusions go on, or when somebody looks again; what nobody knows is not promised."""
    until = facts.held_until
    if until:
        told = _("From {date} on you can have your infusion.").format(date=date_words(until))
        planned = facts.forecast.projected[:1]
        if facts.visit or not planned or planned[0] == until:
            return told
        due = _("It is due around {date}.").format(date=date_words(planned[0]))
        return f"{told} {due}"
    ahead = [hold.review_on for hold in facts.held if hold.review_on]
    reviews = [day for day in ahead if day >= facts.today]
    if not reviews:
        return _("They will tell you when they plan to start again.")
    return _("They plan to look at this again on {review}.").format(review=date_words(min(reviews)))


def _held_visit(facts: Facts) -> tuple[str, ...]:
    """What becomes of the visit that is booked already."""
    if not facts.visit:
        return ()
    day = facts.date_of(facts.visit)
    if facts.is_held(day):
        return (_("We will call you about your visit on {date}.").format(date=date_words(day)),)
    stays = _("Your visit on {date} at {time} stays booked.")
    return (stays.format(date=date_words(day), time=time_words(facts, facts.visit)),)


def _not_recorded(facts: Facts) -> HomeState | None:
    """K: the day of a visit has passed and nothing was recorded."""
    passed = [visit for visit in facts.visits if facts.date_of(visit) < facts.today]
    if not passed:
        return None
    day = facts.date_of(passed[-1])
    return HomeState(
        "K",
        "neutral",
        _("Checking"),
        _("Did you have your infusion on {date}?").format(date=date_words(day)),
        text=(_("Call us to tell us and we will check it."),),
        call=_("Call to tell us"),
    )


def _too_early(facts: Facts) -> HomeState | None:
    """L: booked before the dose may be given."""
    visit, dose = facts.visit, facts.dose
    if not (visit and dose and dose.step == "maintenance"):
        return None
    if facts.date_of(visit) >= dose.earliest:
        return None
    told = (
        _("Your clinic is checking this date. Keep it in your calendar for now."),
        _("We will call you if it changes."),
    )
    return booked(facts, visit, letter="L", kind="neutral", tag=_("Being checked"), text=told)


def _soon(facts: Facts) -> HomeState | None:
    """G."""
    visit = facts.visit
    if not visit or (days := (facts.date_of(visit) - facts.today).days) > SOON_DAYS:
        return None
    day = facts.date_of(visit)
    near = {0: _("Today"), 1: _("Tomorrow")}
    word = near.get(days, _("This week"))
    named = near.get(days) or date_format(day, "l")
    return HomeState(
        "G",
        "booked",
        f"{word}, {facts.part}" if facts.part else word,
        _("{day} at {time}").format(day=named, time=time_words(facts, visit)),
        day=day,
        when=long_date(day) if days in near else f"{date_words(day)}, {in_words(day, facts.today)}",
        text=(
            _("Feel unwell, or think you have an infection? Call us before you come."),
            facts.clinic.address,
        ),
        call=_("Call"),
    )


def _new(facts: Facts) -> HomeState | None:
    """A: before the first dose, and before one that starts the treatment again (R13)."""
    position = facts.forecast.position
    again = position.pending == "split"
    if facts.visit or (position.anchor and not again):
        return None
    ready = _("Your care team is getting things ready for your first infusion.")
    if again:
        ready = _("Your treatment starts again with a first dose in two parts.")
    return HomeState(
        "A",
        "neutral",
        _("Getting ready to start"),
        _("No date yet"),
        text=(
            ready,
            _("There may be blood tests, vaccines and insurance checks first."),
            _("You do not need to book anything yet."),
            _("Your care team will tell you when it is time."),
        ),
    )


def _first_dose_booked(facts: Facts) -> HomeState | None:
    """B."""
    visit = facts.visit
    if not (visit and facts.part):
        return None
    text = [_("Your first dose is split into two visits, about two weeks apart.")]
    if facts.forecast.position.planned_step == "initial-1":
        second = [date_words(facts.date_of(one)) for one in facts.upcoming[1:2]]
        text.append(_("Visit 2: {date}.").format(date=(second or [_("not booked yet")])[0]))
    tag = _("Booked: {part}").format(part=facts.part)
    return booked(
        facts, visit, letter="B", kind="booked", tag=tag, text=(*text, *where_and_how_long(facts))
    )


def _second_visit_open(facts: Facts) -> HomeState | None:
    """C."""
    if facts.forecast.position.step != "initial-2" or facts.forecast.state == "lapsed":
        return None
    days = facts.forecast.days_past_due
    late = ngettext("This visit is {n} day late.", "This visit is {n} days late.", days)
    text = (
        (late.format(n=days), _("Please call us today. You can still have it."))
        if days
        else (_("This visit finishes your first dose. Please book it now."),)
    )
    tag = _("Book now: {part}").format(part=facts.part)
    return due_around(facts, letter="C", kind="book-now", tag=tag, text=text)


def _booked_late(facts: Facts) -> HomeState | None:
    """J: booked past the clinic's line between on time and late."""
    visit, dose = facts.visit, facts.dose
    if not (visit and dose):
        return None
    if (facts.date_of(visit) - dose.due).days < facts.clinic.late_after_days:
        return None
    text = (
        _("This is later than planned. Your clinic knows. You do not need to do anything else."),
        *where_and_how_long(facts),
    )
    return booked(facts, visit, letter="J", kind="booked", tag=_("New date booked"), text=text)


def _booked_ahead(facts: Facts) -> HomeState | None:
    """F."""
    if not facts.visit:
        return None
    return booked(
        facts,
        facts.visit,
        letter="F",
        kind="booked",
        tag=_("Booked"),
        text=where_and_how_long(facts),
    )


def _late(facts: Facts) -> HomeState | None:
    """I: also a course that lapsed, where calling is right and the care team decides the rest."""
    days = facts.forecast.days_past_due
    if days < facts.clinic.late_after_days:
        return None
    past = ngettext(
        "It is {n} day past your due date.", "It is {n} days past your due date.", days
    ).format(n=days)
    text: tuple[str, ...] = (
        past,
        _("This happens. You can still have your infusion."),
        _("Call us to find the next free date. You do not need to wait six more months."),
    )
    if facts.forecast.state == "lapsed":
        text = (past, _("This happens. Call us: your care team will decide how to start again."))
    lead = _("Was due around")
    return due_around(facts, letter="I", kind="late", tag=_("Late"), text=text, lead=lead)


def _book_now(facts: Facts) -> HomeState | None:
    """H."""
    if not facts.dose or (facts.dose.due - facts.today).days > BOOK_NOW_DAYS:
        return None
    text = (_("You do not have a visit booked yet. Please call us this week."),)
    return due_around(facts, letter="H", kind="book-now", tag=_("Book now"), text=text)


def _time_to_book(facts: Facts) -> HomeState | None:
    """E."""
    if not facts.dose or facts.today < booking_opens(facts.dose.due, facts.clinic):
        return None
    text = (_("Book now so there is time for blood tests and insurance checks."),)
    return due_around(facts, letter="E", kind="time-to-book", tag=_("Time to book"), text=text)


def _nothing_to_do(facts: Facts) -> HomeState:
    """D; without a next dose there is nothing to say either, and a call clears it up."""
    if not facts.dose:
        return no_date()
    opens = booking_opens(facts.dose.due, facts.clinic)
    told = _("It will be time to book in {month}.")
    if facts.course.patient.wants_reminders:
        told = _("We will email you in {month} when it is time to book.")
    text = (told.format(month=date_format(opens, "F")),)
    return due_around(
        facts, letter="D", kind="neutral", tag=_("Nothing to do now"), text=text, call=""
    )


RULES: Sequence[Callable[[Facts], HomeState | None]] = (
    _missing,
    _stopped,
    _paused,
    _not_recorded,
    _too_early,
    _soon,
    _new,
    _first_dose_booked,
    _second_visit_open,
    _booked_late,
    _booked_ahead,
    _late,
    _book_now,
    _time_to_book,
    _nothing_to_do,
)
