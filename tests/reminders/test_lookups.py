"""Conditions of our own, on whichever database the tests run."""

import pytest

from reminders.lookups import OneOf
from schedules.models import Patient

pytestmark = pytest.mark.django_db


def test_only_those_that_are_named_are_found(ana, ben):
    assert list(Patient.objects.filter(OneOf("pk", [ben.pk, ben.pk + 1000]))) == [ben]


def test_words_are_taken_as_they_are(ana, ben):
    words = ['a"b', "c,d", "{}", "e'f", "%s", ana.record_number]
    assert list(Patient.objects.filter(OneOf("record_number", words))) == [ana]


def test_of_none_there_is_none(ana):
    assert not Patient.objects.filter(OneOf("pk", [])).exists()
    assert Patient.objects.exclude(OneOf("pk", [])).exists()


def test_hundreds_are_no_more_trouble_than_one(ana, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert Patient.objects.filter(OneOf("pk", range(ana.pk, ana.pk + 900))).count() == 1
