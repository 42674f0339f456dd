"""The page behind "Change or stop emails" in every mail, and the button of mail programs."""

import json

import pytest
from django.core import serializers
from django.test import Client
from django.urls import reverse

from ocrevus_tracker.audit.models import VIEW, Entry
from reminders import links
from reminders.links import stop_path
from reminders.models import Helper, Preference, Reminder, Topic
from schedules.models import Course, Patient
from tests.cast import NOW, TODAY, days, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def mail_program() -> Client:
    """No cookie, no token, no Referer; the checks against forged posts are on."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def hal(ben) -> Helper:
    return Helper.objects.create(
        patient=ben, name="Hal Helper", email="hal@example.org", invited_at=NOW, accepted_at=NOW
    )


def link(patient, kind: str = "book-1", helper: Helper | None = None) -> str:
    recipient = helper.recipient if helper else "patient"
    found = stop_path(Reminder(patient=patient, kind=kind, recipient=recipient))
    assert found
    return found


def text(page) -> str:
    return " ".join(page.content.decode().split())


def everything() -> str:
    """All that is stored about people, and who did what, but not who looked."""
    models = (Patient, Course, Preference, Helper, Reminder)
    rows = [row for model in models for row in model.objects.order_by("pk")]
    rows += Entry.objects.exclude(act=VIEW).order_by("pk")
    return json.dumps(json.loads(serializers.serialize("json", rows)), sort_keys=True)


def stops(patient) -> tuple:
    patient.refresh_from_db()
    now = Preference.of(Patient.objects.get(pk=patient.pk))
    return patient.wants_reminders, now.only_needed, now.stopped_topics


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete", "patch"])
def test_looking_at_the_page_changes_nothing(mail_program, ben, hal, method):
    """Mail scanners open every link, some with methods of their own."""
    before = everything()
    for path in (link(ben), link(ben, helper=hal)):
        getattr(mail_program, method)(path)
        getattr(mail_program, method)(path + "?List-Unsubscribe=One-Click&choice=all")
    assert everything() == before


def test_one_click_stops_the_topic_of_the_mail_for_this_one_person(mail_program, ben, carla, hal):
    answer = mail_program.post(link(ben), ONE_CLICK)
    assert (answer.status_code, answer.content) == (200, b"Done.\n")
    assert stops(ben) == (True, False, [Topic.BOOKING])
    assert stops(carla) == (True, False, [])
    hal.refresh_from_db()
    assert hal.stopped_topics == []


def test_one_click_needs_nothing_of_a_browser(mail_program, ben):
    body = "List-Unsubscribe=One-Click"
    answer = mail_program.post(link(ben), body, "application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert answer.cookies == {}
    assert stops(ben) == (True, False, [Topic.BOOKING])


def test_one_click_is_about_the_link_whoever_is_signed_in(ben, carla):
    assert signed_in(carla.user).post(link(ben), ONE_CLICK).status_code == 200
    assert stops(carla) == (True, False, [])
    assert stops(ben) == (True, False, [Topic.BOOKING])


@pytest.mark.parametrize(("kind", "topic"), [("prepare", Topic.VISIT), ("recorded", Topic.RECORD)])
def test_each_mail_stops_its_own_topic(mail_program, ben, kind, topic):
    mail_program.post(link(ben, kind), ONE_CLICK)
    assert stops(ben) == (True, False, [topic])


def test_a_helpers_link_stops_the_helpers_copies_alone(mail_program, ben, hal):
    mail_program.post(link(ben, helper=hal), ONE_CLICK)
    hal.refresh_from_db()
    assert hal.stopped_topics == [Topic.BOOKING]
    assert hal.removed_at is None
    assert stops(ben) == (True, False, [])


def test_sent_ten_times_it_is_done_once(mail_program, ben):
    answers = {mail_program.post(link(ben), ONE_CLICK).status_code for _ in range(10)}
    assert answers == {200}
    assert Entry.objects.filter(act="stop booking mails").count() == 1


def test_it_works_a_year_later(mail_program, ben, clock):
    path = link(ben)
    clock.move_to(NOW + days(365))
    assert mail_program.post(path, ONE_CLICK).status_code == 200
    assert stops(ben) == (True, False, [Topic.BOOKING])


def test_it_asks_little_of_the_database(mail_program, ben, django_assert_max_num_queries):
    path = link(ben)
    with django_assert_max_num_queries(14):
        mail_program.post(path, ONE_CLICK)
    with django_assert_max_num_queries(5):
        mail_program.post(path, ONE_CLICK)


def forged(ben) -> list[str]:
    good = link(ben)
    token = good.split("/")[-2]
    said, signature = token.rsplit(".", 1)
    other_purpose = links.invitation_path(Helper(pk=1)).split("/")[-2]
    return [
        f"stop-{ben.pk + 1}-booking-patient.{signature}",
        f"stop-{ben.pk}-visit-patient.{signature}",
        said,
        f"{said}.",
        token[:-1],
        token + "A",
        other_purpose,
        "x",
        "%F0%9F%92%A9",
        "a" * 3000,
    ]


def test_a_forged_link_looks_like_any_missing_page(mail_program, ben):
    before = everything()
    missing = mail_program.get("/no/such/page/")
    for token in forged(ben):
        for answer in (
            mail_program.get(f"/mail/stop/{token}/"),
            mail_program.post(f"/mail/stop/{token}/", ONE_CLICK),
            mail_program.post(f"/mail/stop/{token}/", {"choice": "all"}),
        ):
            assert (answer.status_code, answer.content) == (404, missing.content)
    assert everything() == before


def test_people_who_are_gone_are_missing_too(mail_program, ben, hal):
    paths = [link(ben, helper=hal), link(ben)]
    hal.delete()
    assert mail_program.post(paths[0], ONE_CLICK).status_code == 404
    Patient.objects.filter(pk=ben.pk).delete()
    assert mail_program.post(paths[1], ONE_CLICK).status_code == 404


def test_the_page_names_nobody_and_nothing(ben, hal, rosa):
    """Whoever holds the link learns no name, no date and not which clinic it is."""
    ben.family_name = "Rarename"
    ben.save()
    for user in (ben.user, rosa):
        for path in (link(ben), link(ben, helper=hal)):
            page = signed_in(user).get(path)
            html = page.content.decode()
            for word in ("Ben", "Rarename", "Hal", "Rosa", "example.org", "Harbor", "2026"):
                assert word not in html
            for word in ("infusion", "Ocrevus", "MS"):
                assert word not in html
            assert "(555) 010-0142" in html
            assert "no-store" in page["Cache-Control"]


def test_it_offers_the_mild_way_first(mail_program, ben):
    page = mail_program.get(link(ben))
    assert page.context["form"].initial == {"choice": "fewer"}
    html = text(page)
    assert "Fewer emails: only when I need to do something" in html
    assert "Stop these: Reminders to book a visit" in html
    assert "Nothing has changed yet." in html
    assert "Turn all emails on again" not in html


@pytest.mark.parametrize(
    ("choice", "expected", "told"),
    [
        (
            "fewer",
            (True, True, []),
            "Done. We will email you only when something needs to be done.",
        ),
        (
            "topic",
            (True, False, [Topic.BOOKING]),
            "Done. We will not send you these emails: Reminders to book a visit.",
        ),
        (
            "all",
            (False, False, []),
            "Done. We will not email reminders. Your clinic will call you instead.",
        ),
    ],
)
def test_the_form_saves_and_says_so(mail_program, ben, choice, expected, told):
    page = mail_program.post(link(ben), {"choice": choice})
    assert page.status_code == 200
    assert told in text(page)
    assert stops(ben) == expected
    assert page.context["form"].initial == {"choice": choice}


@pytest.mark.parametrize("choice", ["fewer", "topic", "all"])
def test_there_is_a_way_back(mail_program, ben, choice):
    page = mail_program.post(link(ben), {"choice": choice})
    assert "Turn all emails on again" in text(page)
    page = mail_program.post(link(ben), {"choice": "on"})
    assert "Done. We will email you again." in text(page)
    assert stops(ben) == (True, False, [])


def test_staff_see_that_they_have_to_call(mail_program, ben, rosa):
    mail_program.post(link(ben), {"choice": "all"})
    page = signed_in(rosa).get(reverse("staff:patient", args=[ben.pk]))
    assert "Wants no reminders: call instead." in text(page)


def test_a_helper_who_wants_none_is_no_helper_any_more(mail_program, ben, hal):
    page = mail_program.post(link(ben, helper=hal), {"choice": "all"})
    assert "Done. We will not send you any more copies." in text(page)
    assert "ask the person who added you" in text(page)
    assert not Helper.objects.helping().exists()
    assert stops(ben) == (True, False, [])


def test_who_was_taken_off_the_list_cannot_come_back_alone(mail_program, ben, hal):
    path = link(ben, helper=hal)
    Helper.objects.update(removed_at=NOW)
    before = everything()
    for answer in ({"choice": "on"}, {"choice": "all"}, ONE_CLICK):
        assert mail_program.post(path, answer).status_code == 200
    assert everything() == before


def test_an_empty_answer_is_asked_again(mail_program, ben):
    before = everything()
    page = mail_program.post(link(ben), {"choice": ""})
    assert "Choose an answer for “What should we change?”" in text(page)
    for junk in ("everything", "\x00", "x" * 10_000, "<script>"):
        assert "Choose one of the answers" in text(mail_program.post(link(ben), {"choice": junk}))
    assert everything() == before


def test_it_speaks_the_recipients_language(mail_program, ben, hal):
    Patient.objects.filter(pk=ben.pk).update(language="es")
    page = mail_program.get(link(ben))
    assert '<html lang="es"' in page.content.decode()
    assert "Cambiar o dejar de recibir correos" in text(page)
    assert "Dejar de recibir estos: Recordatorios para hacer una cita" in text(page)
    assert mail_program.post(link(ben), ONE_CLICK).content.decode() == "Listo.\n"


def test_two_links_of_two_mails_add_up(mail_program, ben):
    for kind in ("book-1", "prepare", "book-2"):
        mail_program.post(link(ben, kind), ONE_CLICK)
    assert stops(ben) == (True, False, [Topic.BOOKING, Topic.VISIT])


def test_what_was_planned_already_is_planned_anew(mail_program, ben):
    Course.objects.update(unplanned=False)
    mail_program.post(link(ben), ONE_CLICK)
    assert Course.objects.get(patient=ben).unplanned
    assert ben.course.next_due_on > TODAY
