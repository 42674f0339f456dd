"""Hostile text in every field of every page: an answer below 500, and nothing of it is alive.

The fields are those of the pages themselves, found by reading them, so a new one is tried too.

make test                          some hundred requests
pytest tests/test_hostile.py -m long      more than ten thousand
HOSTILE_SEED=7 pytest …            the same ones again
"""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import product

import pytest
from django.db import transaction
from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as RolledBack

from ocrevus_tracker.accounts.access import Audience
from ocrevus_tracker.addresses import addresses
from tests.cast import NOW
from tests.world import World, build

SEED = int(os.environ.get("HOSTILE_SEED", "20261128"))
QUICK = 250
LONG = 10_000
SHARES = 10  # so that several processes can do it
SLOWEST_SECONDS = 2.0

ALIVE = "<i id=h0stile>"
BORN = ("9359", "<class 'str'>", "&lt;class &#x27;str&#x27;&gt;")
CORPUS = (
    ALIVE,
    "\"'><i id=h0stile>",
    "</textarea></title></script>" + ALIVE,
    "h0stile onload=alert(1)",
    "javascript:alert(1)",
    "{{ 191*49 }}",
    "{% debug %}",
    "{0.__class__}",
    "%(password)s %s %n",
    "${191*49}",
    "a\r\nBcc: x@y.example",
    "a\nSubject: x",
    "<a@x.example>,<b@y.example>",
    '"a b"@example.org',
    "a@b",
    "a@example.org.",
    "ä@exämple.org",
    "x" * 320 + "@example.org",
    "a\0b",
    "\0",
    "\u202eevil\u202c",
    "a\u200bb",
    "\ufeff",
    "\u0440\u0430ypal",
    "🙂👩\u200d👩\u200d👧",
    "e\u0301",
    "\u00e9",
    "\x1b[31mred",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "' OR 1=1 --",
    "%",
    "_%_",
    "\\",
    "1; DROP TABLE schedules_patient",
    "31/02/2026",
    "0001",
    "9999",
    "0",
    "-1",
    "1e9",
    "NaN",
    "Infinity",
    "1.5",
    "١٢",
    "99999999999999999999999999",
    "26",
    "2026-02-29",
    "24:00",
    "00:60",
    "2:30",
    "x" * 100_000,
    "a" * 50_000 + "!",
    "(" * 5_000,
    "/" * 5_000,
    " " * 100_000,
    "../../etc/passwd",
    "//evil.test",
    "",
    " ",
    "null",
    "[]",
    "{}",
    "<!--",
    "]]>",
    "&#0;",
)
# What pages read from their addresses.
QUESTIONS = {
    "q": "/staff/patients/",
    "page": "/staff/patients/",
    "list": "/staff/",
    "clinic": "/staff/clinic/",
    "version": "/staff/mail-policy/",
    "record": "/home/",
    "next": "/sign-in/",
    "then": "/staff/patients/{pk}/screening/hepatitis-b/",
}


class Forms(HTMLParser):
    """The forms of a page: each with its action and what it would send as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self.found.append((given.get("action", ""), {}))
        if not self.found:
            return
        answers = self.found[-1][1]
        if tag in {"input", "button"} and name:
            chosen = given.get("type") not in {"radio", "checkbox"} or "checked" in given
            answers.setdefault(name, "")
            if chosen:
                answers[name] = given.get("value", "")
        if tag in {"select", "textarea"} and name:
            answers.setdefault(name, "")
            self._select = name
        if tag == "option" and "selected" in given:
            answers[self._select] = given.get("value", "")


@dataclass(frozen=True)
class Target:
    """One field of one form on one page, for one person."""

    who: str
    page: str
    action: str
    field: str
    answers: tuple[tuple[str, str], ...]

    def sent(self, value: str) -> dict[str, str]:
        return dict(self.answers) | {self.field: value}


@pytest.fixture
def world(db, time_machine, settings) -> World:
    time_machine.move_to(NOW, tick=False)
    settings.ACCOUNT_RATE_LIMITS = False
    return build()


def pages(world: World) -> Iterator[tuple[str, str]]:
    """Who opens which page that has a form."""
    for address in addresses():
        access = address.access
        if access is None or "GET" not in access.methods:
            continue
        people = {
            Audience.STAFF: ("nurse", "admin"),
            Audience.SIGNED_IN: ("patient",),
            Audience.ANYONE: ("anonymous",),
            Audience.LINK: ("anonymous",),
        }.get(access.audience, ())
        yield from ((who, world.path(address)) for who in people)


def targets(world: World) -> list[Target]:
    """Every field of every form, once."""
    found: dict[tuple[str, str], Target] = {}
    for who, page in pages(world):
        answer = world.people[who].client().get(page)
        if answer.status_code != 200 or "html" not in answer.get("Content-Type", ""):
            continue
        forms = Forms()
        forms.feed(answer.content.decode())
        for action, answers in forms.found:
            to = action or page
            for field in answers:
                if field != "csrfmiddlewaretoken" and "sign-out" not in to:
                    one = Target(who, page, to, field, tuple(answers.items()))
                    found.setdefault((to, field), one)
    return list(found.values())


def attack(world: World, target: Target, value: str) -> list[str]:
    """Send it, look at what comes back and at the pages it may have reached; take it back."""
    person = world.people[target.who]
    began = time.perf_counter()
    with transaction.atomic():
        client = person.client()
        client.raise_request_exception = False
        answers = [client.post(target.action, target.sent(value))]
        if answers[0].status_code == 302:
            answers.append(client.get(answers[0]["Location"], follow=True))
            answers.append(client.get(target.page))
        transaction.set_rollback(True)
    took = time.perf_counter() - began
    where = f"{target.who} {target.action} {target.field} {value[:40]!r}"
    wrong = [f"{where}: {one.status_code}" for one in answers if one.status_code >= 500]
    wrong += [f"{where}: {sign!r} lives" for one in answers for sign in living(one)]
    if took > SLOWEST_SECONDS * len(answers) * 2:  # a shared machine may be slow by itself
        wrong.append(f"{where}: {took:.1f} s")
    return wrong


class Life(HTMLParser):
    """Finds what only hostile text brings into a page: its tag, and an attribute that runs."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name.startswith("on") or (name == "id" and value == "h0stile"):
                self.found.append(f"<{tag} {name}>")
            if name in {"href", "src", "action"} and (value or "").startswith("javascript:"):
                self.found.append(f"<{tag} {name}=javascript:>")


def living(answer) -> list[str]:
    """What of the hostile text has become more than text."""
    if "Bcc" in answer or "\n" in str(answer.get("Location", "")):
        return ["a header"]
    if "html" not in answer.get("Content-Type", ""):
        return []
    said = answer.content.decode(errors="replace")
    life = Life()
    life.feed(said)
    return life.found + [sign for sign in BORN if sign in said]


def question(world: World, name: str, value: str) -> list[str]:
    """The same in an address."""
    page = QUESTIONS[name].format(pk=world.ben.pk)
    who = {"/home/": "patient", "/sign-in/": "anonymous"}.get(page, "nurse")
    client = world.people[who].client()
    client.raise_request_exception = False
    answer = client.get(page, {name: value})
    where = f"{who} {page}?{name}={value[:40]!r}"
    wrong = [f"{where}: {answer.status_code}"] if answer.status_code >= 500 else []
    return wrong + [f"{where}: {sign!r} lives" for sign in living(answer)]


def test_every_page_gives_up_its_fields(world):
    found = targets(world)
    assert len(found) > 100
    pages = {one.action for one in found}
    assert any("/record/" in one for one in pages)
    assert any("/my/emails/" in one for one in pages)
    assert any(one.startswith("/sign-in/") for one in pages)


def test_hostile_text_in_some_fields_does_nothing(world):
    dice = random.Random(SEED)
    attacks = list(product(targets(world), CORPUS))
    wrong = [
        line
        for target, value in dice.sample(attacks, QUICK)
        for line in attack(world, target, value)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", QUESTIONS)
def test_hostile_text_in_addresses_does_nothing(world, name):
    assert [line for value in CORPUS for line in question(world, name, value)] == []


@pytest.mark.long
@pytest.mark.parametrize("share", range(SHARES))
def test_hostile_text_in_every_field_does_nothing(world, share):
    dice = random.Random(SEED)
    found = targets(world)
    attacks = list(product(found, CORPUS))
    while len(attacks) < LONG:
        attacks.append((dice.choice(found), "".join(chr(dice.randrange(0xD800)) for _ in CORPUS)))
    dice.shuffle(attacks)
    wrong = []
    for number, (target, value) in enumerate(attacks[share::SHARES], 1):
        for line in attack(world, target, value):
            wrong.append(line)
            print(line, flush=True)
        if number % 100 == 0:
            print(f"share {share}: {number} sent, {len(wrong)} wrong", flush=True)
    assert wrong == []


class TestMadeUpWords(RolledBack):
    """Hypothesis looks for a word that breaks a page."""

    def setUp(self) -> None:
        self.world = build()
        self.targets = targets(self.world)

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def test_no_word_breaks_a_page(self, data):
        target = data.draw(st.sampled_from(self.targets))
        assert attack(self.world, target, data.draw(st.text(max_size=300))) == []


def test_a_page_that_lets_it_live_is_seen(world):
    assert living(HttpResponse(f"<p>{ALIVE}</p>")) == ["<i id>"]
    assert living(HttpResponse("<input value=h0stile onload=alert(1)>")) == ["<input onload>"]
    assert living(HttpResponse("<a href='javascript:alert(1)'>")) == ["<a href=javascript:>"]
    assert living(HttpResponse("<p>9359</p>")) == ["9359"]
    assert living(HttpResponse("<p>&lt;i id=h0stile&gt;</p>")) == []
    assert living(HttpResponse(f"<p>{ALIVE}</p>", content_type="text/plain")) == []
