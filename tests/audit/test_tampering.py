import datetime as dt
import io
import json
import secrets
from random import Random

import pytest
from django.core.management import call_command
from django.db import transaction

from ocrevus_tracker.audit import anchor, trail
from ocrevus_tracker.audit.models import Entry, Seal
from ocrevus_tracker.audit.sealing import seal
from ocrevus_tracker.audit.verifying import verify
from tests.cast import NOW

from . import tampering

TAMPERINGS = 50
LINKS, ENTRIES_EACH = 6, 5


def verified(*options: str) -> tuple[int, dict]:
    """What the command says, and what it ends with."""
    out = io.StringIO()
    try:
        call_command("audit_verify", "--json", *options, stdout=out)
    except SystemExit as end:
        return int(end.code), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def first_bad(told: dict) -> tuple[str, int] | None:
    return told["first_bad"] and (told["first_bad"]["table"], told["first_bad"]["row"])


@pytest.fixture
def a_trail(harbor, rosa, priya, ana, ben) -> None:
    """Some links of the chain, each over views, changes with reasons and a sign-in."""
    for number in range(LINKS):
        now = NOW + dt.timedelta(minutes=number)
        for patient in (ana, ben):
            trail.record_view(
                at=now,
                actor=rosa,
                role="nurse",
                clinic=harbor,
                page="staff:patient",
                patient_id=patient.pk,
            )
        trail.record(
            at=now,
            actor=priya,
            clinic=harbor,
            act="correct infusion",
            subject=ben.course.infusions.get(),
            reason="typing mistake",
            changes={"dose_mg": (300, 600)},
        )
        trail.record_sign_in(at=now, user=rosa, event="sign in")
        trail.record(at=now, actor=None, clinic=harbor, act="recompute", subject=harbor)
        seal(now=now)


def test_an_untouched_trail_is_well(a_trail):
    ended, told = verified()
    assert (ended, told["findings"], told["unsealed"]) == (0, [], 0)
    assert told["seals"] == told["anchored"] == LINKS
    assert told["entries"] == Entry.objects.count() >= LINKS * ENTRIES_EACH


def test_fifty_tamperings_are_found_each_at_its_row(a_trail, capsys):
    seed = secrets.randbits(32)
    print("seed", seed)
    dice = Random(seed)
    kinds = [*tampering.KINDS, *dice.choices(tampering.KINDS, k=TAMPERINGS)][:TAMPERINGS]
    wrong = []
    for kind in kinds:
        with transaction.atomic():
            with tampering.as_owner():
                row = kind(dice)
            ended, told = verified()
            if ended != 1 or first_bad(told) != row:
                wrong.append((kind.__name__, row, told["findings"]))
            transaction.set_rollback(True)
    assert wrong == []
    assert verified()[0] == 0


class TestWhatIsNotSealedYet:
    def test_is_counted_and_then_sealed(self, a_trail, harbor):
        trail.record(at=NOW, actor=None, clinic=harbor, act="recompute", subject=harbor)
        assert verified()[1]["unsealed"] == 1
        assert verified()[1]["unsealed"] == 0

    def test_is_found_when_it_was_changed_and_never_becomes_part_of_the_chain(
        self, a_trail, harbor
    ):
        entry = trail.record(at=NOW, actor=None, clinic=harbor, act="recompute", subject=harbor)
        with tampering.as_owner():
            tampering.run("UPDATE audit_entry SET act = 'x' WHERE id = %s", entry.pk)
        assert seal(now=NOW) == 0
        assert first_bad(verified()[1]) == ("audit_entry", entry.pk)


class TestAPlaceOutside:
    def test_knows_a_chain_that_was_cut_although_the_file_was_too(self, a_trail, anchor):
        out = io.StringIO()
        call_command("audit_anchor", stdout=out)
        with tampering.as_owner():
            row = tampering.cut_links(Random(1))
        anchor.write_bytes(b"".join(anchor.read_bytes().splitlines(keepends=True)[:-1]))
        assert verified()[0] == 0
        # That look has sealed the entries again, with another link than the one printed.
        ended, told = verified("--printed", out.getvalue().strip())
        assert (ended, first_bad(told)) == (1, row)

    def test_may_be_a_copy_of_the_file(self, a_trail, anchor, tmp_path):
        copy = tmp_path / "copy"
        copy.write_bytes(anchor.read_bytes())
        with tampering.as_owner():
            tampering.remove_chain(Random(1))
        anchor.unlink()
        assert first_bad(verified("--anchor", str(copy))[1]) == ("audit_seal", 1)

    def test_that_is_gone_is_missed(self, a_trail, anchor):
        anchor.unlink()
        ended, told = verified()
        assert ended == 1
        assert "anchor" in told["first_bad"]["why"]

    def test_is_told_when_a_backup_was_restored(self, a_trail):
        with tampering.as_owner():
            tampering.cut_tail(Random(1))
        assert verified()[0] == 1
        call_command("audit_anchor", "--after-restore", "yesterday's backup", stdout=io.StringIO())
        assert verified()[0] == 0


def test_a_guard_that_is_missing_is_told(a_trail):
    tampering.guards.uninstall(tampering.connection)
    assert first_bad(verified()[1]) == ("trigger", "audit_detail_no_delete")
    call_command("audit_protect", stdout=io.StringIO())
    assert verified()[0] == 0


def test_erased_details_leave_the_trail_whole(a_trail, rosa, harbor, ben):
    gone = trail.erase(at=NOW, actor=rosa, clinic=harbor, patient_id=ben.pk, reason="Asked for.")
    ended, told = verified()
    assert (ended, told["erased"]) == (0, gone)


def test_a_key_that_was_in_use_before_is_still_believed(a_trail, settings):
    settings.AUDIT_KEYS = ["a new one", *settings.AUDIT_KEYS]
    assert verified()[0] == 0
    settings.AUDIT_KEYS = ["a new one"]
    assert verified()[0] == 1


def test_two_who_seal_at_once_seal_each_entry_once(a_trail, harbor, monkeypatch):
    """The other one has come in between: after our look at the entries, before our link."""
    trail.record(at=NOW, actor=None, clinic=harbor, act="recompute", subject=harbor)
    from ocrevus_tracker.audit import sealing  # noqa: PLC0415

    look = sealing._unsealed

    def late(since: dt.datetime) -> list[int]:
        ids = look(since)
        monkeypatch.setattr(sealing, "_unsealed", look)
        assert seal(now=NOW) == 1
        return ids

    monkeypatch.setattr(sealing, "_unsealed", late)
    assert seal(now=NOW) == 0
    assert Seal.objects.count() == LINKS + 1
    assert verify(anchor.read()).is_well
