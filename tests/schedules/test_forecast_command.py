"""`manage.py forecast`: one JSON object a line in, one a line out, whatever comes in."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from schedules import wire

ROOT = Path(__file__).resolve().parents[2]
CASES = (ROOT / "tests/engine/cases.jsonl").read_bytes()
COURSE = {"id": "a", "today": "2026-11-22", "history": [{"given_on": "2026-05-12", "dose_mg": 600}]}
ANSWER_KEYS = ["id", "next", "state", "days_past_due", "projected", "provisional"]
ANSWER_KEYS += ["flags", "reasons"]
NEXT_KEYS = ["step", "dose_mg", "earliest", "due", "window_start", "window_end"]


def line(**changes):
    return json.dumps(COURSE | changes).encode()


def answered(raw):
    return wire.answer(raw)


def error(raw):
    """The refusal of a line; fails when it was answered."""
    return wire.answer(raw)["error"]


def history_error(**item):
    return error(line(history=[{"given_on": "2026-05-12", "dose_mg": 600} | item]))


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command in this process on some bytes; its answers and how it ended."""

    def run(stdin):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        ended = None
        try:
            call_command("forecast")
        except CommandError as refused:
            ended = refused
        return [json.loads(reply) for reply in capsys.readouterr().out.splitlines()], ended

    return run


def in_a_process(stdin, **environment):
    return subprocess.run(
        [sys.executable, "manage.py", "forecast"],
        input=stdin,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )


class TestTheCommand:
    def test_answers_every_line_in_order(self, run):
        replies, ended = run(CASES)
        assert [one["id"] for one in replies] == [
            json.loads(case)["id"] for case in CASES.splitlines()
        ]
        assert ended is None

    def test_runs_with_no_environment_at_all(self):
        done = in_a_process(line())
        assert (done.returncode, done.stderr) == (0, b"")
        assert json.loads(done.stdout)["state"] == "late"

    def test_needs_no_database(self):
        away = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}
        assert in_a_process(line(), **away).returncode == 0

    def test_answers_the_good_lines_around_a_bad_one(self, run):
        replies, ended = run(b"\n".join([line(id="1"), b"{", line(id="3")]))
        assert [one["id"] for one in replies] == ["1", None, "3"]
        assert ["error" in one for one in replies] == [False, True, False]
        assert (str(ended), ended.returncode) == ("1 of 3 lines could not be answered.", 1)

    def test_never_shows_a_traceback(self):
        done = in_a_process(b"\xff\xfe\n{\n[[\nnull\n" + line())
        assert done.returncode == 1
        assert done.stderr == b"CommandError: 4 of 5 lines could not be answered.\n"

    def test_skips_blank_lines(self, run):
        replies, ended = run(b"\n  \r\n" + line() + b"\r\n\n")
        assert (len(replies), ended) == (1, None)

    def test_has_nothing_to_say_to_nothing(self, run):
        assert run(b"") == ([], None)

    def test_reads_past_a_line_that_is_too_long(self, run):
        replies, _ = run(b"[" * 3 * wire.LONGEST_LINE + b"\n" + line())
        assert replies[0]["error"].startswith("the line is longer than 1000000 bytes")
        assert replies[1]["state"] == "late"

    def test_refuses_a_last_line_that_is_too_long_and_unfinished(self, run):
        replies, _ = run(b"[" * (wire.LONGEST_LINE + 1))
        assert len(replies) == 1

    def test_answers_a_line_before_the_next_is_sent(self):
        with subprocess.Popen(
            [sys.executable, "manage.py", "forecast"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        ) as child:
            child.stdin.write(line(id="first") + b"\n")
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["id"] == "first"
            child.stdin.close()
            assert child.wait(30) == 0

    def test_ends_quietly_when_its_reader_has_seen_enough(self):
        child = subprocess.Popen(
            [sys.executable, "manage.py", "forecast"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        child.stdout.close()
        child.stdout = None
        _, complaints = child.communicate(line(), timeout=60)
        assert (child.returncode, complaints) == (0, b"")


class TestAnAnswer:
    def test_has_its_keys_in_the_order_of_the_format(self):
        found = answered(line())
        assert list(found) == ANSWER_KEYS
        assert list(found["next"]) == NEXT_KEYS

    @pytest.mark.parametrize("ident", [None, 7, 1.5, "é", "\ud800", ""])
    def test_echoes_the_id(self, ident):
        assert json.loads(json.dumps(answered(line(id=ident))))["id"] == ident

    def test_to_a_line_without_id_has_none(self):
        course = {key: value for key, value in COURSE.items() if key != "id"}
        assert answered(json.dumps(course).encode())["id"] is None

    def test_takes_null_for_every_optional_field(self):
        optional = ["regimen", "ordered_for", "holds", "restarts", "stopped_on"]
        assert answered(line(**dict.fromkeys(optional))) == answered(line())

    def test_takes_null_for_every_optional_field_of_an_infusion(self):
        optional = ["outcome", "disposition", "remainder", "ordinal", "reaction"]
        item = COURSE["history"][0] | dict.fromkeys(optional)
        assert answered(line(history=[item])) == answered(line())

    def test_ignores_fields_it_does_not_know(self):
        assert answered(line(note="x", expected=[{}])) == answered(line())

    def test_is_for_ocrevus_every_six_months_unless_told_otherwise(self):
        assert answered(line(regimen="ocrevus-iv")) == answered(line())

    def test_reads_past_a_byte_order_mark(self):
        assert answered(b"\xef\xbb\xbf" + line()) == answered(line())

    def test_tells_the_reasons_as_sentences(self):
        assert answered(line())["reasons"][0] == "Your last infusion was on May 12, 2026."

    def test_takes_the_first_and_the_last_year(self):
        old = [{"given_on": "1900-01-01", "dose_mg": 600}]
        assert answered(line(today="2200-12-31", history=old))["state"] == "lapsed"

    def test_takes_a_hold_without_a_reason(self):
        held = [{"from": "2026-11-01"}]
        assert answered(line(holds=held))["state"] == "on_hold"

    def test_takes_a_hold_of_no_days(self):
        held = [{"from": "2026-11-22", "to": "2026-11-22", "reason": "infection"}]
        assert answered(line(holds=held))["state"] == "late"

    def test_takes_a_restart_of_today(self):
        assert answered(line(restarts=[{"on": "2026-11-22", "choice": "single"}]))["next"]

    @pytest.mark.parametrize("amount", [1, 9_999])
    def test_takes_the_smallest_and_the_largest_dose(self, amount):
        assert answered(line(history=[{"given_on": "2026-05-12", "dose_mg": amount}]))["next"]


class TestALineThatIsNotAnObject:
    @pytest.mark.parametrize(
        "raw", [b"{", b"hello", b"{'id': 1}", b'{"id": 1,}', b'{"a"', b"{} {}"]
    )
    def test_is_not_json(self, raw):
        assert error(raw).startswith("the line is not JSON: ")
        assert "send one JSON object per line" in error(raw)

    @pytest.mark.parametrize(
        ("raw", "shown"), [(b"[]", "a list"), (b"7", "7"), (b'"x"', '"x"'), (b"null", "null")]
    )
    def test_is_json_of_another_kind(self, raw, shown):
        assert error(raw) == f"the line: must be an object in braces, not {shown}"

    def test_is_not_utf_8(self):
        assert error(b'{"id": "\xff"}') == (
            "the line is not UTF-8 (byte 9); save the file as UTF-8"
        )

    @pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000])
    def test_is_nested_too_deeply(self, raw):
        assert error(raw) == "the line is nested too deeply; send one flat object per line"

    @pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
    def test_holds_what_is_no_number(self, name):
        raw = line().replace(b"600", name.encode())
        assert error(raw) == f"{name} is not a number in JSON; use null or a number"

    def test_holds_a_number_too_large(self):
        assert error(line().replace(b"600", b"1e999")).startswith("1e999 is too large a number")

    def test_holds_a_number_of_five_thousand_digits(self):
        assert "a number that is too long" in error(line().replace(b"600", b"6" * 5000))

    @pytest.mark.parametrize("ident", [True, [], {}])
    def test_has_an_id_that_cannot_be_one(self, ident):
        assert answered(line(id=ident))["id"] is None
        assert error(line(id=ident)).endswith("cannot be an id; use text or a number")


class TestARefusalNamesTheFieldTheValueAndTheFix:
    @pytest.mark.parametrize("field", ["today", "history"])
    def test_when_a_field_is_missing(self, field):
        course = {key: value for key, value in COURSE.items() if key != field}
        found = answered(json.dumps(course).encode())
        assert found["error"].startswith(f"{field}: is missing; give ")
        assert found["id"] == "a"

    @pytest.mark.parametrize("field", ["given_on", "dose_mg"])
    def test_when_a_field_of_an_infusion_is_null(self, field):
        assert history_error(**{field: None}).startswith(f"history[0].{field}: is missing; give ")

    @pytest.mark.parametrize("amount", [0, -300, 600.0, "600", True, [], {}, 10_000])
    def test_when_a_dose_is_no_whole_number_of_milligrams(self, amount):
        found = history_error(dose_mg=amount)
        assert found.startswith("history[0].dose_mg: ")
        assert found.endswith("write whole milligrams from 1 to 9999, without quotes")

    @pytest.mark.parametrize(
        "text",
        ["22.11.2026", "20261122", "2026-W47-7", "", "2026-1-2", "2026-11-22\n", "\uff12026-01-01"],
    )
    def test_when_a_date_is_written_another_way(self, text):
        assert error(line(today=text)) == (
            f"today: {json.dumps(text)} is not a date; write it as YYYY-MM-DD in quotes"
        )

    @pytest.mark.parametrize("value", [20261122, True, {}, [], "2026-11-22T00:00"])
    def test_when_a_date_is_not_a_date_at_all(self, value):
        assert "is not a date; write it as" in error(line(today=value))

    @pytest.mark.parametrize("text", ["2026-02-31", "2027-02-29", "2026-13-01", "2026-00-10"])
    def test_when_the_calendar_has_no_such_day(self, text):
        assert error(line(today=text)) == (
            f"today: {text} is not in the calendar; check the day and the month"
        )

    @pytest.mark.parametrize("text", ["1899-12-31", "2201-01-01", "0000-01-01", "9999-12-31"])
    def test_when_a_year_cannot_be_meant(self, text):
        assert error(line(today=text)) == (f"today: {text} is outside 1900 to 2200; check the year")

    @pytest.mark.parametrize("field", ["ordered_for", "stopped_on"])
    def test_in_every_other_date_too(self, field):
        assert error(line(**{field: "2026-02-31"})).startswith(f"{field}: 2026-02-31 is not in")

    @pytest.mark.parametrize(
        ("field", "known"),
        [
            ("outcome", "completed or partial"),
            ("ordinal", "unknown"),
            ("reaction", "mild or moderate or severe or life-threatening"),
        ],
    )
    @pytest.mark.parametrize("value", ["odd", 1, True, {}, "Completed"])
    def test_when_a_word_is_not_known(self, field, known, value):
        found = history_error(**{field: value})
        assert found.startswith(f"history[0].{field}: ")
        assert found.endswith(f" is not known; use {known}")

    def test_when_a_regimen_is_not_known(self):
        assert error(line(regimen="aspirin")) == (
            'regimen: "aspirin" is not known; '
            "use briumvi or ocrevus-iv or ocrevus-iv-24w or ocrevus-sc"
        )

    def test_when_a_disposition_is_not_known(self):
        found = history_error(outcome="partial", disposition="later")
        assert found.startswith('history[0].disposition: "later" is not known; use count-as-given')

    def test_when_a_full_dose_has_a_disposition(self):
        assert history_error(disposition="repeat") == (
            'history[0].disposition: "repeat" is for a partial infusion only; '
            'leave it out or set outcome to "partial"'
        )

    @pytest.mark.parametrize("value", ["true", 1, []])
    def test_when_a_remainder_is_neither_true_nor_false(self, value):
        found = history_error(remainder=value)
        assert found.endswith("is neither yes nor no; write true or false")

    @pytest.mark.parametrize("field", ["history", "holds", "restarts"])
    @pytest.mark.parametrize(("value", "shown"), [({}, "an object"), ("x", '"x"'), (0, "0")])
    def test_when_a_list_is_something_else(self, field, value, shown):
        assert error(line(**{field: value})) == f"{field}: must be a list in brackets, not {shown}"

    @pytest.mark.parametrize("field", ["history", "holds", "restarts"])
    def test_when_an_entry_of_a_list_is_no_object(self, field):
        assert error(line(**{field: [7]})) == f"{field}[0]: must be an object in braces, not 7"

    def test_with_the_place_in_the_list(self):
        items = [COURSE["history"][0], {"given_on": "2026-02-31", "dose_mg": 600}]
        assert error(line(history=items)).startswith("history[1].given_on: 2026-02-31")

    def test_when_a_hold_ends_before_it_starts(self):
        held = [{"from": "2026-11-10", "to": "2026-11-09", "reason": "infection"}]
        assert error(line(holds=held)) == (
            "holds[0].to: 2026-11-09 is before the hold starts (2026-11-10); swap or correct them"
        )

    def test_when_a_hold_has_no_start(self):
        assert error(line(holds=[{"to": None}])).startswith("holds[0].from: is missing")

    def test_when_the_reason_of_a_hold_is_no_text(self):
        held = [{"from": "2026-11-10", "reason": 7}]
        assert error(line(holds=held)) == "holds[0].reason: 7 is not text; write it in quotes"

    def test_when_a_restart_is_in_the_future(self):
        chosen = [{"on": "2026-11-23", "choice": "single"}]
        assert error(line(restarts=chosen)) == (
            "restarts[0].on: 2026-11-23 is after today (2026-11-22); "
            "send the choice once it has been made"
        )

    @pytest.mark.parametrize("choice", ["both", True])
    def test_when_a_choice_is_not_known(self, choice):
        found = error(line(restarts=[{"on": "2026-11-20", "choice": choice}]))
        assert found.endswith("is not known; use single or split")

    def test_when_there_is_no_choice(self):
        found = error(line(restarts=[{"on": "2026-11-20"}]))
        assert found == 'restarts[0].choice: is missing; give "single" or "split"'

    @pytest.mark.parametrize(
        ("items", "words"),
        [
            (["2026-11-23"], "the infusion on 2026-11-23 is after today (2026-11-22)"),
            (["2026-05-12", "2026-05-12"], "there are two infusions on 2026-05-12"),
        ],
    )
    def test_when_the_history_cannot_be_true(self, items, words):
        history = [{"given_on": given_on, "dose_mg": 600} for given_on in items]
        found = error(line(history=history))
        assert found.startswith(f"history: {words}")
        assert found.endswith("correct the history and send it again")

    def test_without_repeating_a_whole_document(self):
        assert len(error(line(regimen="x" * 10_000))) < 200

    def test_in_plain_ascii_even_of_half_a_character(self):
        assert error(line(regimen="\ud800")).startswith('regimen: "\\ud800" is not known')
