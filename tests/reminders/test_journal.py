"""Receipts on disk."""

import os
from pathlib import Path

from reminders import journal as receipts_file
from reminders.journal import draw_line, receipts, record, tail


def test_what_was_recorded_is_found(journal):
    for name in ("one", "two"):
        record(name)
    assert receipts({"two", "three"}) == {"two"}


def test_without_a_file_there_are_no_receipts():
    assert receipts({"one"}) == set()


def test_half_a_line_is_no_receipt_and_spoils_none(journal):
    journal.write_text("one\ntw")
    record("three")
    assert receipts({"one", "tw", "twthree", "three"}) == {"one", "tw", "three"}


def test_a_line_that_was_cut_off_is_not_believed(journal):
    journal.write_text("one\ntwo")
    assert receipts({"one", "two"}) == {"one"}


def test_only_its_owner_may_read_it(journal):
    record("one")
    assert journal.stat().st_mode & 0o777 == 0o600


def test_it_is_on_disk_before_we_go_on(journal, monkeypatch):
    synced = []
    monkeypatch.setattr(receipts_file.os, "fsync", synced.append)
    record("one")
    assert len(synced) == 1


def test_a_journal_that_cannot_be_written_is_reported_and_stops_nothing(settings, caplog):
    settings.REMINDER_JOURNAL = Path(os.devnull) / "journal"
    record("one")
    assert "cannot be written" in caplog.text


def test_it_can_be_switched_off(settings):
    settings.REMINDER_JOURNAL = Path()
    record("one")
    assert receipts({"one"}) == set()


class TestTheTail:
    def test_it_ends_with_the_latest(self):
        for number in range(200):
            record(f"{number:032}")
        assert tail(2) == [f"{198:032}", f"{199:032}"]

    def test_a_line_that_was_cut_off_is_not_there(self, journal):
        journal.write_text("one\ntwo")
        assert tail(5) == ["one"]

    def test_it_goes_no_further_than_the_line_that_was_drawn(self):
        record("one")
        draw_line()
        assert tail(5) == []
        record("two")
        assert tail(5) == ["two"]
        assert receipts({"one", "two"}) == {"one", "two"}

    def test_without_a_file_nothing_is_there_or_made(self, journal):
        draw_line()
        assert tail(5) == []
        assert not journal.exists()
