"""E8: whom the mails go to, what stands outside them, and how soon a completion silences them."""

import re
import threading

import pytest
from django.utils import timezone

from reminders import outbox

from .conftest import scaled
from .desk import Desk
from .people import add_people, noon_clinic, nurse_of
from .score import Mail, Score

pytestmark = pytest.mark.django_db(transaction=True)

# Days from the due date, one for each kind of mail about it.
DUE_IN = (60, 30, 10, -5, -30, -50)
# What only the inside of a mail may say: each person bears these marks.
PRIVATE = {
    "given_name": "Kanaria",
    "family_name": "O'Kanari %s {{7*7}} <b>",
    "phone": "(555) 010-5717",
}
CANARIES = re.compile(
    r"kanari|5717|1985|\b(?:x|y|z|u|v|w)-\d+\b|ocrevus|ocrelizumab|sclerosis|infusion|\bMS\b",
    re.IGNORECASE,
)


def outside(mail: Mail) -> str:
    """Envelope and headers, without what makes the message and its links unique."""
    lines = re.sub(r"\r?\n[ \t]+", " ", mail.head).splitlines()
    kept = [one for one in lines if not one.lower().startswith(("message-id:", "content-type:"))]
    # A record's number and the signature of a link may have any digits.
    return re.sub(
        r"(stop-)\d+(-\w+-\w+)\.[\w-]+", r"\1\2", "\n".join([mail.sender, *mail.to, *kept])
    )


@pytest.mark.parametrize(
    ("count", "completions"),
    [(300, 12), pytest.param(scaled(100_000), scaled(2_000), marks=pytest.mark.long)],
    ids=["short", "long"],
)
def test_each_to_its_own_person_and_none_after_the_infusion(stages, figure, count, completions):
    clinic = noon_clinic()
    people = [
        add_people(clinic, prefix, count // len(DUE_IN), due_in=due_in, **PRIVATE)
        for prefix, due_in in zip("xyzuvw", DUE_IN, strict=True)
    ]
    outbox.plan(now=timezone.now())
    nurse = nurse_of(clinic)
    scene = stages(manners={"heads": True, "delay": 0.001})
    desk = Desk(scene, nurse)
    # The last ones in the queue, so that infusion and mail meet.
    visitors = [pk for group in people for pk in group[-(completions // len(DUE_IN)) :]]
    entry = threading.Thread(
        target=desk.record_all, args=(visitors,), kwargs={"stop": threading.Event()}
    )
    entry.start()
    scene.worker()
    entry.join()
    scene.wait(lambda: scene.all_settled("CANCELLED", "PLANNED"), "all are settled", seconds=900)
    scene.wait(lambda: not scene.ask(STILL_OPEN), "all about due dates", seconds=900)
    show_and_check(scene, desk, figure)


STILL_OPEN = (
    "SELECT id FROM reminders_reminder WHERE kind <> 'recorded' "
    "AND state NOT IN ('ACCEPTED', 'CANCELLED') LIMIT 1"
)


def show_and_check(scene, desk, figure) -> None:
    mails = scene.mails()
    rows = [row for row in scene.rows() if row.kind != "recorded"]
    owner = {row.mark: row.email for row in rows if row.mark}
    misdirected = [mail.id for mail in mails if mail.to != [owner[mail.mark]]]
    several = [mail.id for mail in mails if len(mail.to) != 1 or header_recipients(mail) != 1]
    told = [mail.id for mail in mails if CANARIES.search(outside(mail))]
    saved = dict(scene.ask("SELECT email, id FROM schedules_patient"))
    kinds = {row.mark: row.kind for row in scene.rows()}
    late = [
        kinds[mail.mark]
        for mail in mails
        if mail.began > desk.saved.get(saved[mail.to[0]], float("inf")) + 1
    ]
    score = Score([row for row in rows if row.state != "CANCELLED"], mails)
    figure(
        "E8",
        f"{score}, {len(desk.saved):,} infusions meanwhile, {len(misdirected)} misdirected, "
        f"{len(several)} with more than one recipient, {len(told)} with a word outside, "
        f"{len(late)} with DATA more than 1 s after the infusion",
    )
    assert set(desk.statuses) == {302}
    assert [misdirected, several, told, late] == [[], [], [], []]
    assert score.lost == score.unexplained == []


def header_recipients(mail: Mail) -> int:
    """Addresses in To, Cc and Bcc together."""
    found = re.findall(r"^(?:to|cc|bcc):(.*)$", mail.head, re.IGNORECASE | re.MULTILINE)
    return sum(line.count("@") for line in found)
