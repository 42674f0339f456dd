"""Every address, with every method, for eleven people: who gets in is what `list_urls` says.

Who is refused has changed nothing, and nobody sees a word of what is not theirs. New addresses
are tried of themselves; one whose parts nobody can fill in fails here with a sentence.
"""

import hashlib

import pytest
from django.apps import apps
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from ocrevus_tracker.accounts.access import Audience
from ocrevus_tracker.addresses import Address, addresses
from tests.cast import NOW
from tests.tenants import tenant_models
from tests.world import CANARIES, WITHOUT_WORDS, Person, World, build, verdict

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PEOPLE = (
    "anonymous",
    "patient",
    "other patient of the clinic",
    "patient of another clinic",
    "helper",
    "nurse",
    "nurse of another clinic",
    "coordinator",
    "admin",
    "disabled nurse",
    "superuser",
)
# What a request may write although it is refused: that it was made.
WRITTEN_ANYWAY = {"django_session", "audit_entry", "audit_detail"}


@pytest.fixture
def world(db, time_machine) -> World:
    time_machine.move_to(NOW, tick=False)
    return build()


def fingerprint() -> dict[str, str]:
    """Of each table, all rows in one number."""
    models = [one for one in apps.get_models() if one._meta.db_table not in WRITTEN_ANYWAY]
    return {
        one._meta.db_table: hashlib.sha256(
            repr(list(one._base_manager.order_by("pk").values_list())).encode()
        ).hexdigest()
        for one in models
    }


def ask(world: World, person: Person, address: Address, method: str) -> HttpResponseBase:
    return person.client().generic(method, world.path(address))


def status(answer: HttpResponseBase) -> int:
    """The status; 303 stands for the way to a door."""
    if answer.status_code == 302 and answer["Location"].startswith(("/sign-in/", "/my/sign-in/")):
        return 303
    return answer.status_code


def words(answer: HttpResponseBase) -> str:
    """Every byte of an answer that somebody could read."""
    head = "\n".join(f"{name}: {value}" for name, value in answer.items())
    body = b"".join(answer) if answer.streaming else answer.content
    return f"{head}\n{answer.cookies.output()}\n{body.decode(errors='replace')}"


def leaks(answer: HttpResponseBase) -> list[str]:
    said = words(answer)
    return [table for table, canary in CANARIES.items() if canary in said]


def is_refused(allowed: frozenset[int]) -> bool:
    return allowed <= {303, 401, 403, 404, 405}


@pytest.mark.parametrize("who", PEOPLE)
def test_who_gets_in_is_what_the_list_says(world, who):
    person, wrong, seen = world.people[who], [], set()
    person.client()  # to have signed in is no change that a refusal makes
    before = fingerprint()
    for address in addresses():
        assert address.access
        for method in METHODS:
            allowed = verdict(person, address, method)
            with transaction.atomic():
                answer = ask(world, person, address, method)
                found = leaks(answer)
                # What is allowed is taken back; what is refused has left nothing to take back.
                transaction.set_rollback(not is_refused(allowed))
            seen |= set(found)
            by_link = address.access.audience == Audience.LINK
            if status(answer) not in allowed:
                wrong.append(f"{method} /{address.route}: {status(answer)} not {sorted(allowed)}")
            if (strange := set(found) - person.may_see()) and not by_link:
                wrong.append(f"{method} /{address.route} shows {sorted(strange)}")
        if fingerprint() != before:
            wrong.append(f"/{address.route}: something has changed")
            before = fingerprint()
    assert not wrong, "\n".join(wrong)
    if who == "nurse":
        assert len(seen) >= 14, "canaries that not even staff see find no leak"


def test_every_table_of_a_clinic_has_a_canary(world):
    assert set(CANARIES) | WITHOUT_WORDS >= set(tenant_models())
    for table in set(CANARIES) | WITHOUT_WORDS:
        assert apps.get_app_config(table.split("_")[0])
        assert tenant_models()[table]._base_manager.exists(), table


def test_everybody_on_the_list_is_sent(world):
    assert set(world.people) == set(PEOPLE)
    assert len(PEOPLE) == 11


def test_a_part_of_an_address_that_nobody_can_fill_in_is_named(world):
    address = Address("staff/things/<int:thing_pk>/", "staff:thing", None)
    with pytest.raises(LookupError, match="names a “thing_pk”: say in tests"):
        world.path(address)


def test_a_canary_in_a_header_a_cookie_or_a_page_is_seen():
    canary = CANARIES["schedules_patient"]
    assert leaks(HttpResponse(f"<p>{canary}</p>")) == ["schedules_patient"]
    assert leaks(HttpResponse(headers={"X-Name": canary})) == ["schedules_patient"]
    cookie = HttpResponse()
    cookie.set_cookie("name", canary)
    assert leaks(cookie) == ["schedules_patient"]
    assert leaks(HttpResponse("nothing")) == []


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json"])
@pytest.mark.parametrize("who", ["anonymous", "nurse", "patient"])
def test_no_page_takes_a_post_without_its_token(world, who, content_type):
    """But for those that ask no cookie who somebody is: links in mails, and services."""
    person = world.people[who]
    person.client()  # to have signed in is no change of theirs
    before = fingerprint()
    for address in addresses():
        access = address.access
        assert access
        if "POST" not in access.methods or access.audience in {Audience.LINK, Audience.SERVICE}:
            continue
        client = person.client()
        client.handler.enforce_csrf_checks = True
        answer = client.generic("POST", world.path(address), "{}", content_type=content_type)
        assert status(answer) in {403, 303}, address.route
    assert fingerprint() == before
