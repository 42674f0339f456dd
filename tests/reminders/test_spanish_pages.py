"""The pages about mail have no English left where somebody reads Spanish."""

import re
from html import unescape

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from reminders import helpers
from reminders.links import invitation_path, stop_path
from reminders.models import DeadAddress, Helper, Preference, Reminder, State
from schedules.models import Course, Patient
from tests.cast import NOW, TODAY, days, make_patient, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

# What is the same in both: names, what the clinic has entered, what was sent.
SAME = {
    "Clinic Visits", "Ben", "Hal", "Ida", "English", "Español", "(555) 010-0142", "Error:",
    "ben@example.org", "hal@example.org", "ida@example.org", "Clinic Visits · Harbor Clinic",
    "Ben Example, Harbor Clinic", "Abe Example, Harbor Clinic", "A subject", "Some words",
}  # fmt: skip


def words(page) -> set[str]:
    """Each piece of text on the page that has a letter."""
    assert page.status_code in {200, 410}
    html = re.sub(r"<(script|style)\b.*?</\1>", "", page.content.decode(), flags=re.DOTALL)
    pieces = (" ".join(unescape(piece).split()) for piece in re.findall(r">([^<]+)<", html))
    return {piece for piece in pieces if re.search(r"[^\W\d_]", piece)}


def everything_at_once(ben) -> Helper:
    """Each state that the pages have words for."""
    course = Course.objects.get(patient=ben)
    shared = {"patient": ben, "course": course, "due_on": TODAY, "next_at": NOW}
    for kind, state in zip(
        ("book-1", "book-2", "book-3", "overdue-1", "prepare"),
        (State.ACCEPTED, State.DELIVERED, State.BOUNCED, State.FAILED, State.IN_DOUBT),
        strict=True,
    ):
        Reminder.objects.create(
            kind=kind, state=state, not_after=NOW, dated_at=NOW, subject="A subject",
            body_text="Some words", **shared,
        )  # fmt: skip
    Preference.objects.create(patient=ben, changed_at=NOW, stops_visit=True)
    DeadAddress.objects.create(patient=ben, email="hal@example.org", found_at=NOW)
    asked = {"patient": ben, "actor": ben.user, "can": "tell"}
    old = NOW - days(20)
    helpers.invite_helper(name="Ida", email="ida@example.org", now=old, **asked)
    return helpers.invite_helper(name="Hal", email="hal@example.org", now=NOW, **asked).helper


def pages(ben, hal) -> list[set[str]]:
    cache.clear()
    own, outside = signed_in(ben.user), Client()
    record = f"?record={ben.pk}"
    stop = stop_path(Reminder(patient=ben, kind="book-1", recipient="patient"))
    copies = stop_path(Reminder(patient=ben, kind="book-1", recipient=hal.recipient))
    add = reverse("reminders:add_helper") + record
    settings = reverse("reminders:settings") + record
    answers = {"which": "all", "level": "date", "language": ben.language}
    topic = {"topic": "visit"}

    def post(name: str, answer: dict[str, str]):
        return own.post(reverse(f"reminders:{name}") + record, answer, follow=True)

    shown = [
        own.get(settings),
        own.get(reverse("reminders:sent") + record),
        own.get(add),
        own.post(add, {"name": "", "email": "x"}),
        own.post(add, {"name": "x\ny\u202e", "email": "x" * 300}),
        own.post(add, {"name": "Ben", "email": "ben@example.org", "can": "dates"}),
        own.post(add, {"name": "Hal", "email": "hal@example.org", "can": "dates"}, follow=True),
        own.get(reverse("reminders:people") + record),
        own.post(settings, {}),
        own.post(settings, answers | {"which": "x"}),
        own.post(settings, answers, follow=True),
        post("stop_topic", topic),
        post("resume_topic", topic),
        post("test_mail", {}),
        post("test_mail", {}),
        outside.get(stop),
        outside.post(stop, {}),
        *(outside.post(stop, {"choice": one}) for one in ("topic", "fewer", "all", "on")),
        outside.get(invitation_path(hal)),
        outside.post(invitation_path(hal), {"answer": "yes"}),
        outside.post(copies, {"choice": "all"}),
        outside.get(invitation_path(hal)),
        own.post(settings, answers | {"which": "none"}, follow=True),
        own.get(reverse("reminders:sent") + record),
    ]
    Helper.objects.filter(pk=hal.pk).update(removed_at=None, accepted_at=None)
    shown.append(outside.post(invitation_path(hal), {"answer": "no"}))
    Helper.objects.filter(pk=hal.pk).update(removed_at=None, invited_at=NOW - days(20))
    shown.append(outside.get(invitation_path(hal)))
    return [words(page) for page in shown]


def test_no_piece_of_a_page_is_left_in_english(ben, harbor, rosa):
    hal = everything_at_once(ben)
    english = pages(ben, hal)
    Helper.objects.update(removed_at=None, accepted_at=None, invited_at=NOW)
    Preference.objects.update(only_needed=False, stops_visit=True, stops_booking=False)
    Patient.objects.update(language="es", wants_reminders=True)
    ben.refresh_from_db()
    spanish = pages(ben, hal)
    left = set.union(*english) & set.union(*spanish) - SAME
    assert {piece for piece in left if "8 a.m. to 5 p.m." not in piece} == set()


def test_the_choice_of_a_couple_is_in_spanish_too(ben, harbor, rosa):
    make_patient(harbor, rosa, "Abe", email=ben.email)
    client = signed_in(ben.user)
    english = words(client.get(reverse("reminders:settings")))
    Patient.objects.update(language="es")
    assert english & words(client.get(reverse("reminders:settings"))) - SAME == set()
