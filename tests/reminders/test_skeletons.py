"""A mail filled in is the mail rendered in full, whatever a person is called."""

import datetime as dt

import pytest

from reminders import emails, skeletons
from reminders.models import Kind
from reminders.skeletons import SLOTS, Facts, Person
from tests.cast import TODAY, days

from .letters import Sample, by_kind, letter, reminder
from .test_letter import assert_same_as_djangos, assert_well_formed

pytestmark = pytest.mark.django_db

ODD_NAMES = [
    "<b>O'Brien & {{ 7 }} %s",
    "\N{PILE OF POO}\N{FAMILY}\N{ZERO WIDTH JOINER}\N{GIRL}",
    "x" * 300,
    "é" * 80,
    "a",
    "שרה",
    "\N{RIGHT-TO-LEFT OVERRIDE}evil",
    "{% include 'x' %}",
    SLOTS.stop_url,
    SLOTS.name + SLOTS.name,
    "=20=\r\n.\r\nBcc: eve@example.org",
    "%(name)s \\g<1> $name",
]


@pytest.fixture
def composed(monkeypatch):
    """Composes a mail; gives the letter, and its facts and person as they were filled in."""
    seen: dict = {}
    fill = skeletons.Skeleton.fill
    look_up = emails.skeleton_of

    def remember(facts):
        seen["facts"] = facts
        return look_up(facts)

    def remember_person(self, person):
        seen["person"] = person
        return fill(self, person)

    monkeypatch.setattr(emails, "skeleton_of", remember)
    monkeypatch.setattr(skeletons.Skeleton, "fill", remember_person)

    def make(sample, **fields):
        made = letter(sample, **fields)
        return made, seen["facts"], seen["person"]

    return make


@by_kind()
def test_filled_in_it_is_the_same_as_rendered_in_full(composed, samples):
    for sample in samples:
        for name in ODD_NAMES:
            made, facts, person = composed(sample, given_name=name, helper_name=name[::-1])
            assert (made.subject, made.text, made.html) == skeletons.render(facts, person)


# By number: the names of the slots differ from process to process.
@pytest.mark.parametrize("name", ODD_NAMES, ids=range(len(ODD_NAMES)))
@pytest.mark.parametrize("sample", [Sample(Kind.BOOK_1), Sample(Kind.CHANGED, "es")], ids=str)
def test_whatever_the_name_the_bytes_are_right(sample, name):
    made = letter(sample, given_name=name)
    assert_well_formed(made.as_bytes())
    assert_same_as_djangos(made)


def test_an_odd_name_is_shown_as_it_is():
    made = letter(Sample(Kind.BOOK_1), given_name="<b>O'Brien & {{ 7 }} %s")
    assert "Dear <b>O'Brien & {{ 7 }} %s," in made.text
    assert "Dear &lt;b&gt;O&#x27;Brien &amp; {{ 7 }} %s," in made.html


def test_what_cannot_be_seen_is_left_out_of_a_name():
    name = "\N{RIGHT-TO-LEFT OVERRIDE}A\x00n\ta\r\n\N{LEFT-TO-RIGHT ISOLATE}"
    assert "Dear A n a,\n" in letter(Sample(Kind.BOOK_1), given_name=name).text


@pytest.mark.parametrize("name", ["", "  ", "\N{RIGHT-TO-LEFT OVERRIDE}"])
def test_nobody_without_a_name_is_called_by_a_comma(name):
    made = letter(Sample(Kind.BOOK_1), given_name=name)
    assert made.text.startswith("Hello,\n")
    assert ">Hello,<" in made.html


@by_kind()
def test_a_person_leaves_no_trace_in_what_is_kept(composed, samples):
    for sample in samples:
        _made, facts, person = composed(
            sample, given_name="Zebulon", helper_name="Zacharias", email="zeb@example.org"
        )
        kept = repr((facts, skeletons.skeleton_of(facts)))
        own = ["Zebulon", "Zacharias", "zeb@", *filter(None, [person.stop_url, person.open_url])]
        assert [words for words in own if words in kept] == []


def test_two_people_share_what_their_mails_have_in_common():
    skeletons.skeleton_of.cache_clear()
    for name in ("Ana", "Ben", "Carla"):
        letter(Sample(Kind.BOOK_1), given_name=name)
    letter(Sample(Kind.BOOK_1), given_name="Dora", due_on=TODAY + days(61))
    info = skeletons.skeleton_of.cache_info()
    assert (info.misses, info.hits) == (2, 2)
    assert info.maxsize is not None


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind != Kind.DIGEST])
def test_only_two_notes_ask_the_database_for_more(django_assert_num_queries, kind):
    row = reminder(Sample(kind))
    with django_assert_num_queries(int(kind in {Kind.RECORDED, Kind.DATE_MOVED})):
        emails.compose(row, now=dt.datetime(2026, 3, 12, 15, tzinfo=dt.UTC))


def test_the_slots_are_words_that_no_template_and_no_filter_changes():
    assert all(slot.isalnum() or "_" in slot for slot in SLOTS)
    assert len(set(SLOTS)) == len(Person._fields)
    assert not set(Person._fields) & set(Facts._fields)
