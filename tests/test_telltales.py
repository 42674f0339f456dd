"""A check of the check: what is known of patients stays out of logs, headers and caches."""

import logging

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage

log = logging.getLogger("made.up")

NAME, ADDRESS = "Ben Example", "ben@example.org"


def told(telltales) -> list[str]:
    """What was seen, which is then forgotten, lest this test fails by it."""
    found = [*telltales.told]
    telltales.told.clear()
    return found


def test_a_name_in_a_log_is_heard(ben, telltales):
    log.warning("Nothing to see")
    assert told(telltales) == []
    log.warning("Could not reach %s", ben.full_name)
    assert told(telltales) == ["a log line of made.up, test_telltales"]


def test_so_is_one_in_an_error_report(ben, telltales):
    try:
        int(ben.record_number)
    except ValueError:
        log.exception("It failed")
    assert told(telltales) == ["a log line of made.up, test_telltales"]


@pytest.mark.parametrize("header", ["Subject", "X-About", "Reply-To", "List-Unsubscribe"])
def test_and_one_in_a_header_of_a_mail(ben, telltales, header):
    headers = {} if header == "Subject" else {header: ben.full_name}
    subject = ben.full_name if header == "Subject" else "Hello"
    EmailMessage(subject, "Text", to=[ben.email], headers=headers).message()
    assert told(telltales) == [f"the header {header} of a mail"]


def test_the_address_of_the_reader_is_where_it_belongs(ben, telltales):
    EmailMessage("Hello", "Text", to=[ben.email]).message()
    assert told(telltales) == []


def test_and_one_in_an_address_or_in_the_cache(client, ben, telltales):
    client.get(f"/patients/{ben.email}/")
    found = told(telltales)
    assert "an address that was asked for" in found
    assert "a log line of django.request, log" in found  # which tells of every missing page
    cache.set(f"tries-{ben.email}", 1)
    cache.set("tries", [ben.full_name])
    assert told(telltales) == ["a row of the cache"] * 2
