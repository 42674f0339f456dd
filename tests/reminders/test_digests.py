"""The clinic's own mail in the morning: on weekdays, only with work to do, once."""

import datetime as dt

import pytest

from ocrevus_tracker.accounts.models import Membership
from reminders import digests, outbox
from reminders.models import Reminder, State
from tests.cast import NOW, TODAY, days, make_staff

from .conftest import due_course, local

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(rosa) -> Membership:
    return rosa.memberships.get()


@pytest.fixture
def work(harbor, rosa):
    """Somebody is late."""
    return due_course(harbor, rosa, due_in=-10)


def morning(clinic, hour: int = 0, *, ahead: int = 0) -> dt.datetime:
    return local(clinic, TODAY + days(ahead), hour)


def found(now: dt.datetime) -> list[Reminder]:
    return list(digests.digests(now))


@pytest.mark.usefixtures("work")
class TestWithWork:
    def test_each_active_member_gets_one_at_seven(self, harbor, rosa, member):
        [row] = found(morning(harbor))
        assert (row.kind, row.member, row.recipient) == ("digest", member, f"staff-{member.pk}")
        assert (row.due_on, row.next_at) == (TODAY, morning(harbor, 7))
        assert row.not_after == morning(harbor, 12)
        row.save()  # the table takes it as it is

    def test_later_in_the_morning_it_goes_at_once(self, harbor, member):
        assert found(morning(harbor, 9))[0].next_at == morning(harbor, 9)

    @pytest.mark.parametrize("hour", [12, 15, 23])
    def test_from_noon_on_it_is_of_no_use(self, harbor, member, hour):
        assert found(morning(harbor, hour)) == []

    @pytest.mark.parametrize(("ahead", "count"), [(1, 1), (2, 0), (3, 0), (4, 1)])
    def test_none_on_saturday_and_sunday(self, harbor, member, ahead, count):
        assert len(found(morning(harbor, 7, ahead=ahead))) == count

    def test_asking_again_gives_it_once(self, harbor, member):
        for row in found(morning(harbor)):
            row.save()
        assert found(morning(harbor, 8)) == []
        assert len(found(morning(harbor, 8, ahead=1))) == 1

    def test_two_planners_at_once_make_one(self, harbor, member):
        twice = found(morning(harbor)) + found(morning(harbor))
        Reminder.objects.bulk_create(twice, ignore_conflicts=True)
        assert Reminder.objects.count() == 1

    def test_none_to_somebody_who_left(self, harbor, rosa, member):
        rosa.is_active = False
        rosa.save()
        assert found(morning(harbor)) == []

    def test_none_to_somebody_who_does_not_want_it(self, harbor, rosa, member):
        make_staff(harbor, "Paul")
        digests.choose_digest(membership=member, wanted=False)
        assert [row.member.user.name for row in found(morning(harbor))] == ["Paul"]
        digests.choose_digest(membership=member, wanted=True)
        assert len(found(morning(harbor))) == 2

    def test_stopping_it_stops_the_one_that_waits(self, harbor, member):
        [row] = found(morning(harbor))
        row.save()
        digests.choose_digest(membership=member, wanted=False)
        row.refresh_from_db()
        assert row.state == State.SUPPRESSED

    def test_a_clinic_without_work_sends_none(self, harbor, hill, nils, member):
        assert [row.member for row in found(local(hill, TODAY, 1))] == [member]

    def test_each_clinic_by_its_own_clock(self, harbor, hill, nils, member):
        due_course(hill, nils, due_in=-10)
        at_nine_in_los_angeles = local(hill, TODAY, 9)
        [row] = found(at_nine_in_los_angeles)
        assert row.member.user == nils


@pytest.mark.digests_too
@pytest.mark.usefixtures("work", "member")
@pytest.mark.parametrize("look", [outbox.plan, outbox.tick])
def test_planning_adds_it_once(harbor, look):
    for hour in (1, 2, 8):
        look(now=morning(harbor, hour))
    assert Reminder.objects.filter(kind="digest").count() == 1


def test_without_work_there_is_no_mail(harbor, rosa):
    assert found(morning(harbor)) == []


def test_many_members_cost_as_many_queries_as_one(harbor, rosa, django_assert_num_queries):
    due_course(harbor, rosa, due_in=-10)
    with django_assert_num_queries(8):
        assert len(found(NOW.replace(hour=10))) == 1
    for number in range(5):
        make_staff(harbor, f"N{number}")
    with django_assert_num_queries(8):
        assert len(found(NOW.replace(hour=10))) == 6
