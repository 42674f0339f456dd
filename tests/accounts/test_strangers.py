"""From outside nobody can tell who is known here (threat T7, figure E11).

Known, unknown, staff's and disabled people's addresses get the same bytes after the same work.
The work is compared by its queries in the suite; `make test ARGS="-m long tests/accounts"` also
measures time, 500 + 500 probes for each door.
"""

import re
import time
from statistics import median

import pytest
from django.contrib.auth import hashers
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ocrevus_tracker.accounts import mailing
from ocrevus_tracker.accounts.models import Clinic, User
from tests.cast import PASSWORD, make_clinic, make_patient, make_staff

from .doors import CONFIRM, REQUEST, STAFF

PROBES, MOST_AUC = 500, 0.55


@pytest.fixture
def addresses(harbor, rosa, ana) -> dict[str, str]:
    """One of each sort, all of one length: only who they are differs."""
    closed = make_clinic("Closed Clinic", codes_by_email=False)
    make_patient(closed, make_staff(closed, "Cy"), "Cleo", email="clo@example.org")
    User.objects.create_user("off@example.org", is_active=False)
    User.objects.create_user("bos@example.org", PASSWORD, is_superuser=True)
    User.objects.filter(pk=rosa.pk).update(email="ros@example.org")
    return {
        "patient": "ana@example.org",
        "unknown": "xyz@example.org",
        "disabled": "off@example.org",
        "closed clinic": "clo@example.org",
        "staff": "ros@example.org",
        "superuser": "bos@example.org",
    }


def told(answer, email: str) -> tuple:
    """All that an answer tells, but for its one-time tokens and the address that was typed."""
    body = answer.content.decode().replace(email, "ADDRESS")
    body = re.sub(r'(csrfmiddlewaretoken" value)="[^"]+"', r"\1", body)
    heads = sorted((name, value) for name, value in answer.items() if name != "Expires")
    cookies = sorted((one.key, len(one.value)) for one in answer.cookies.values())
    return answer.status_code, heads, body, cookies


def knock_for_a_code(email: str) -> list:
    """Ask, look at the next page, try a code, ask again."""
    client = Client()
    return [
        told(client.post(REQUEST, {"email": email}), email),
        told(client.get(CONFIRM), email),
        told(client.post(CONFIRM, {"code": "000000"}), email),
        told(client.post(CONFIRM, {"action": "resend"}), email),
        told(client.get(CONFIRM), email),
        told(client.get(REQUEST), email),
        told(client.get(STAFF), email),
        *(told(client.post(CONFIRM, {"code": "000000"}), email) for _try in range(5)),
    ]


def knock_with_a_password(email: str) -> list:
    client = Client()
    return [
        told(client.post(STAFF, {"login": email, "password": word}), email)
        for word in ("wrong passphrase", "another wrong passphrase")
    ]


@pytest.mark.parametrize("knock", [knock_for_a_code, knock_with_a_password])
def test_every_address_gets_the_same_bytes(addresses, knock):
    answers = {}
    for who, email in addresses.items():
        cache.clear()
        answers[who] = knock(email)
    for who, answer in answers.items():
        assert answer == answers["unknown"], who


def test_every_address_gets_as_many_mails(addresses):
    counts = {}
    for who, email in addresses.items():
        cache.clear()
        before = len(mail.outbox)
        knock_for_a_code(email)
        counts[who] = len(mail.outbox) - before
    assert set(counts.values()) == {2}, counts


def test_the_right_password_of_somebody_disabled_tells_no_more(addresses):
    User.objects.filter(email=addresses["staff"]).update(is_active=False)
    right = told(
        Client().post(STAFF, {"login": addresses["staff"], "password": PASSWORD}),
        addresses["staff"],
    )
    wrong = told(
        Client().post(STAFF, {"login": addresses["unknown"], "password": PASSWORD}),
        addresses["unknown"],
    )
    assert right == wrong


@pytest.mark.parametrize("knock", [knock_for_a_code, knock_with_a_password])
def test_every_address_costs_as_many_queries(addresses, knock):
    Clinic.objects.count()
    counts = {}
    for who, email in addresses.items():
        cache.clear()
        with CaptureQueriesContext(connection) as seen:
            knock(email)
        counts[who] = len(seen)
    assert len(set(counts.values())) == 1, counts


def test_a_password_is_hashed_for_strangers_too(addresses, monkeypatch, settings):
    hashed = []
    monkeypatch.setattr(
        hashers.MD5PasswordHasher, "encode", lambda _self, *_a: hashed.append(1) or "md5$x$y"
    )
    counts = {}
    for who, email in addresses.items():
        hashed.clear()
        cache.clear()
        knock_with_a_password(email)
        counts[who] = len(hashed)
    assert set(counts.values()) == {2}, counts


def test_no_page_waits_for_the_mail_server(addresses, monkeypatch):
    """The thread is held up; the answer is there all the same."""
    waits = []
    monkeypatch.setattr(mailing, "send_later", lambda *facts: waits.append(facts))
    for email in addresses.values():
        assert Client().post(REQUEST, {"email": email}).status_code == 302
    assert len(waits) == len(addresses)


# -- Time ------------------------------------------------------------------------


def auc(some: list[float], others: list[float]) -> float:
    """How well the faster can be told from the slower: 0.5 is a coin, 1 is certainty."""
    ranked = sorted([(value, 0) for value in some] + [(value, 1) for value in others])
    ranks = sum(rank for rank, (_value, of) in enumerate(ranked, start=1) if of)
    wins = ranks - len(others) * (len(others) + 1) / 2
    area = wins / (len(some) * len(others))
    return max(area, 1 - area)


def test_the_measure_sees_what_is_there():
    assert auc([1, 2, 3], [4, 5, 6]) == 1
    assert auc([1, 4, 5, 8], [2, 3, 6, 7]) == 0.5


def time_of(knock, email: str) -> float:
    cache.clear()
    began = time.perf_counter()
    knock(email)
    return time.perf_counter() - began


@pytest.mark.parametrize("knock", [knock_for_a_code, knock_with_a_password])
@pytest.mark.parametrize("who", ["patient", "staff", "disabled"])
@pytest.mark.long
def test_time_tells_nothing(addresses, knock, who, settings):
    settings.PASSWORD_HASHERS = ["ocrevus_tracker.accounts.hashers.OneLaneArgon2"]
    for user in User.objects.exclude(password__startswith="!"):
        user.set_password(PASSWORD)
        user.save()
    pairs = [
        (time_of(knock, addresses[who]), time_of(knock, addresses["unknown"]))
        if number % 2
        else (time_of(knock, addresses["unknown"]), time_of(knock, addresses[who]))[::-1]
        for number in range(PROBES)
    ]
    known, unknown = zip(*pairs, strict=True)
    found = auc(list(known), list(unknown))
    print(
        f"E11 {knock.__name__} {who}: AUC {found:.3f}, "
        f"{median(known) * 1e3:.2f} and {median(unknown) * 1e3:.2f} ms"
    )
    assert found <= MOST_AUC
