"""Receipts on disk."""

import os
from pathlib import Path

from reminders import journal as receipts_file
from reminders.journal import receipts, record


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
