"""Nothing of a patient is shown without an entry on the trail."""

import pytest
from django.urls import reverse

from ocrevus_tracker.audit import trail
from ocrevus_tracker.audit.models import VIEW, Entry
from schedules.urls import record_pages
from tests.cast import TODAY, book, days, signed_in

RECORD_PAGES = {
    one.name: one
    for one in record_pages
    if not {"infusion_pk", "hold_pk", "visit_pk", "screening_pk", "code"}
    & set(one.pattern.converters)
}


@pytest.fixture
def prescriber(clock, priya):
    return signed_in(priya)


def views(**fields):
    return Entry.objects.filter(act=VIEW, **fields)


@pytest.mark.parametrize("name", RECORD_PAGES)
def test_each_page_about_a_record_that_opens_leaves_one_entry(prescriber, priya, ben, name):
    answer = prescriber.get(reverse(f"staff:{name}", args=[ben.pk]))
    shown = answer.status_code == 200
    found = list(views(subject=f"page staff:{name}"))
    assert len(found) == 1 or not shown
    for entry in found:
        assert (entry.actor, entry.patient_id, entry.role) == (priya, ben.pk, "prescriber")


def test_nearly_all_of_those_pages_open(prescriber, ben):
    """Else the test above would look at nothing."""
    opened = [
        name
        for name in RECORD_PAGES
        if prescriber.get(reverse(f"staff:{name}", args=[ben.pk])).status_code == 200
    ]
    assert len(opened) >= 8


def test_opening_a_chart_takes_one_insert(prescriber, ben, django_assert_max_num_queries):
    with django_assert_max_num_queries(60) as asked:
        prescriber.get(reverse("staff:patient", args=[ben.pk]))
    writes = [one["sql"] for one in asked.captured_queries if "INSERT" in one["sql"].upper()]
    assert len(writes) == 1
    assert "audit_entry" in writes[0]


def test_a_form_that_is_shown_again_was_seen(prescriber, ben):
    prescriber.post(reverse("staff:book", args=[ben.pk]), {})
    assert views(subject="page staff:book", patient_id=ben.pk).count() == 1


def test_a_form_that_was_saved_showed_nothing(prescriber, rosa, ben):
    visit = book(ben.course, rosa, TODAY + days(30))
    prescriber.post(reverse("staff:cancel", args=[ben.pk, visit.pk]))
    assert not views().exists()
    assert Entry.objects.filter(act="cancel visit").exists()


def test_mails_of_a_patient_are_part_of_the_record(prescriber, ben):
    prescriber.get(reverse("reminders:mails", args=[ben.pk]))
    assert views(subject="page reminders:mails", patient_id=ben.pk).count() == 1


class TestAList:
    def test_says_who_was_on_it(self, prescriber, ana, ben):
        prescriber.get(reverse("staff:patients"))
        entry = Entry.objects.get(act=trail.VIEW_LIST)
        assert entry.shown in {f",{ana.pk},{ben.pk},", f",{ben.pk},{ana.pk},"}

    def test_with_nobody_on_it_shows_nothing(self, prescriber, harbor):
        prescriber.get(reverse("staff:patients"))
        assert not Entry.objects.filter(act=trail.VIEW_LIST).exists()

    def test_of_work_is_one(self, prescriber, rosa, ben):
        book(ben.course, rosa, TODAY + days(2))
        prescriber.get(reverse("staff:worklist"), {"list": "due"})
        prescriber.get(reverse("staff:worklist"), {"list": "check"})
        pages = set(Entry.objects.filter(act=trail.VIEW_LIST).values_list("subject", flat=True))
        assert pages <= {"page staff:worklist"}


class TestAPatient:
    @pytest.mark.parametrize("page", ["patient:home", "reminders:settings", "reminders:sent"])
    def test_looks_at_their_own_record(self, clock, ben, page):
        signed_in(ben.user).get(reverse(page))
        entry = views(subject=f"page {page}").get()
        assert (entry.actor, entry.role, entry.patient_id) == (ben.user, "patient", ben.pk)


def test_what_is_refused_is_no_reading(clock, nils, mallory, ben):
    for stranger in (nils, mallory):
        answer = signed_in(stranger).get(reverse("staff:patient", args=[ben.pk]))
        assert answer.status_code == 404
    assert not views().exists()
