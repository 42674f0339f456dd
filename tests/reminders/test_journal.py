"""Receipts on disk: what was begun, what was accepted, and what surely never was."""

import datetime as dt
import errno
import os
from pathlib import Path

from reminders import journal as receipts_file
from reminders.journal import Journal, draw_line, look_up, tail, written_at


def receive(*names: str) -> None:
    with Journal() as journal:
        for name in names:
            journal.begin(name)
            journal.accept(name)


def test_what_was_accepted_is_found():
    receive("one", "two")
    assert look_up({"two", "three"}).accepted == {"two"}


def test_what_was_only_begun_is_known_as_that():
    with Journal() as journal:
        journal.begin("one")
    found = look_up({"one", "two"})
    assert (found.begun, found.accepted) == ({"one"}, set())


def test_without_a_file_there_are_no_receipts():
    assert look_up({"one"}).accepted == set()


def test_half_a_line_is_no_receipt_and_spoils_none(journal):
    journal.write_text("one\ntw")
    receive("three")
    assert look_up({"one", "tw", "twthree", "three"}).accepted == {"one", "tw", "three"}


def test_a_line_that_was_cut_off_is_not_believed(journal):
    journal.write_text("# head\none\n> two\ntwo")
    with journal.open("a") as file:
        file.write("")
    lines = journal.read_text()
    assert look_up({"one"}).accepted == {"one"}
    assert lines.endswith("two")


def test_only_its_owner_may_read_it(journal):
    receive("one")
    assert journal.stat().st_mode & 0o777 == 0o600


def test_it_is_on_the_disk_before_the_database_is_told(monkeypatch):
    synced = []
    monkeypatch.setattr(receipts_file.os, "fdatasync", synced.append)
    with Journal() as journal:
        journal.sync()
        assert synced == []  # nothing was written
        journal.begin("one")
        journal.sync()
        journal.sync()
    assert len(synced) == 1


def test_a_disk_that_cannot_be_waited_for_is_reported_and_asked_again(caplog, monkeypatch):
    asked = []

    def broken(descriptor):
        asked.append(descriptor)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(receipts_file.os, "fdatasync", broken)
    with Journal() as journal:
        journal.accept("one")
        journal.sync()
        journal.sync()
    assert len(asked) == 2
    assert "cannot be brought to the disk" in caplog.text


def test_a_note_is_on_the_disk_before_it_returns(monkeypatch):
    synced = []
    monkeypatch.setattr(receipts_file.os, "fdatasync", synced.append)
    with Journal() as journal:
        journal.note("= line")
        assert len(synced) == 1


def test_a_journal_that_cannot_be_opened_is_reported_and_stops_nothing(settings, caplog):
    settings.REMINDER_JOURNAL = Path(os.devnull) / "journal"
    with Journal() as journal:
        assert journal.mark == ""
        assert journal.begin("one")
    assert "cannot be opened" in caplog.text


def test_on_a_full_disk_a_mail_claimed_under_its_mark_does_not_go(caplog, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with Journal() as journal:
        monkeypatch.setattr(receipts_file.os, "write", full)
        assert not journal.begin("one")
        assert journal.mark == ""  # the next ones are claimed without it
        assert journal.begin("two")
    assert "cannot be written" in caplog.text


def test_it_can_be_switched_off(settings):
    settings.REMINDER_JOURNAL = Path()
    receive("one")
    draw_line()
    assert look_up({"one"}) == receipts_file.Entries(frozenset(), frozenset(), "")
    assert tail(5) == []


def test_it_says_when_it_was_written_last(journal):
    receive("one")
    os.utime(journal, (0, 86_400))
    assert written_at() == dt.datetime(1970, 1, 2, tzinfo=dt.UTC)


class TestItsMark:
    """What says that absence from this file proves something."""

    def mark(self) -> str:
        with Journal() as journal:
            return journal.mark

    def test_stays_while_the_file_and_the_machine_stay(self):
        assert self.mark() == self.mark() != ""

    def test_another_file_has_another(self, journal):
        first = self.mark()
        journal.unlink()
        assert self.mark() != first

    def test_another_start_of_the_machine_has_another(self, monkeypatch, tmp_path):
        first = self.mark()
        boot = tmp_path / "boot"
        boot.write_text("another")
        monkeypatch.setattr(receipts_file, "BOOT_ID", boot)
        assert self.mark() not in {first, ""}

    def test_where_starts_cannot_be_told_apart_there_is_none(self, monkeypatch, tmp_path):
        monkeypatch.setattr(receipts_file, "BOOT_ID", tmp_path / "missing")
        assert self.mark() == ""

    def test_a_file_of_an_earlier_version_has_none(self, journal):
        journal.write_text("one\n")
        assert self.mark() == ""


class TestItsTail:
    def test_is_the_last_receipts_in_their_order(self):
        receive(*(f"{number:032x}" for number in range(300)))
        assert tail(3) == [f"{number:032x}" for number in (297, 298, 299)]

    def test_of_a_short_file_is_all_of_it(self):
        receive("one", "two")
        assert tail(50) == ["one", "two"]

    def test_knows_no_beginnings_and_no_half_lines(self, journal):
        receive("one")
        with journal.open("a") as file:
            file.write("> two\nthr")
        assert tail(50) == ["one"]

    def test_ends_at_the_last_line_that_was_drawn(self):
        receive("one", "two")
        draw_line()
        assert tail(50) == []
        receive("three")
        assert tail(50) == ["three"]
        assert look_up({"one"}).accepted == {"one"}
