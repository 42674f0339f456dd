"""A second opinion: the rules of the schedule, written once more from their text alone.

It shares nothing with the engine, neither code nor style. The calendar is a list of days, and
adding months is a search in it. A course is a list of doses, and every question about it is
asked afresh of the whole list. It is slow, knows no reasons, and speaks the wire format of
`manage.py forecast`: one object in, one object out.

Where the rules leave a case open it says so (`Unsaid`) instead of guessing; where they refuse
an input it raises `Refused`. R1 to R15 name the clinical rules.
"""

from bisect import bisect_left, bisect_right
from datetime import date, timedelta
from itertools import pairwise

FIRST, LAST = date(1890, 1, 1).toordinal(), date(2300, 1, 1).toordinal()
DAYS = [date.fromordinal(number) for number in range(FIRST, LAST)]
"""Every day that can matter; years outside 1900-2200 are refused before this is asked."""


def _square(day):
    """Where a day stands on the wall calendar: which month sheet, which number on it."""
    return day.year * 12 + day.month, day.day


SQUARES = [_square(day) for day in DAYS]


class Unsaid(Exception):  # noqa: N818 - a finding about the rules, not an error of the program
    """The rules do not say what holds here."""


class Refused(Exception):  # noqa: N818 - the name of the verdict
    """The rules refuse this input (R1)."""


def _wanted(day, months):
    sheet, number = _square(day)
    return sheet + months, number


def due_add(day, months):
    """The last day on the wall calendar that is not past the wanted square."""
    return DAYS[bisect_right(SQUARES, _wanted(day, months)) - 1]


def min_add(day, months):
    """The first day on the wall calendar that is not before the wanted square."""
    return DAYS[bisect_left(SQUARES, _wanted(day, months))]


def days(number):
    return timedelta(days=number)


MONTHS = {
    "after": lambda anchor, n: due_add(anchor, 6 * n),
    "gap": lambda last: min_add(last, 5),
}
WEEKS = {
    "after": lambda anchor, n: anchor + days(7 * 24 * n),
    "gap": lambda last: last + days(7 * 20),
}
REGIMENS = {
    "ocrevus-iv": {"start": [300, 300], "upkeep": 600, **MONTHS},
    "ocrevus-iv-24w": {"start": [300, 300], "upkeep": 600, **WEEKS},
    "ocrevus-sc": {"start": [920], "upkeep": 920, **MONTHS},
    "briumvi": {"start": [150, 450], "upkeep": 450, "after": WEEKS["after"], "gap": MONTHS["gap"]},
}


# --- What was given -------------------------------------------------------------------------


def read_doses(case):
    """The history as doses that count, oldest first: R1 and R11.

    `on` is the day that anchors, `until` the last day drug ran (later only with a remainder).
    """
    rows = sorted(case.get("history") or [], key=lambda row: row["given_on"])
    given = [row["given_on"] for row in rows]
    if len(set(given)) < len(given):
        raise Refused("two doses on one day")
    if given and given[-1] > case["today"]:
        raise Refused("a dose in the future")
    doses = []
    for row in rows:
        day = date.fromisoformat(row["given_on"])
        if row.get("remainder"):
            if not doses or "complete-remainder" not in (doses[-1]["how"], doses[-1]["was"]):
                raise Refused("a remainder of nothing")
            doses[-1] |= {"until": day, "how": "given"}
            doses[-1]["total"] += row["dose_mg"]
            continue
        how = row.get("disposition") if row.get("outcome") == "partial" else "given"
        doses.append({
            "on": day, "until": day, "mg": row["dose_mg"], "total": row["dose_mg"],
            "how": how, "was": how, "row": row,
        })  # fmt: skip
    return doses


def waits_for_a_clinician(doses, regimen):
    """R11 without a disposition, R15 with one initial-sized dose of unknown order."""
    if any(dose["how"] is None for dose in doses):
        return True
    unknown = [n for n, dose in enumerate(doses) if dose["row"].get("ordinal") == "unknown"]
    if unknown and unknown != [len(doses) - 1]:
        raise Unsaid("doses after one of unknown order")
    two_parts = len(regimen["start"]) == 2
    if unknown and not (two_parts and doses[-1]["mg"] in regimen["start"]):
        raise Unsaid("unknown order of a dose that can only be maintenance")
    return bool(unknown)


def counted(doses):
    """Without the parts that were repeated in full later; an unfinished story is not decided."""
    if doses and doses[-1]["how"] in ("repeat", "complete-remainder"):
        raise Unsaid("a repeat or remainder still to come")
    if any(dose["how"] == "complete-remainder" for dose in doses):
        raise Unsaid("a remainder that never came")
    kept = []
    for before, dose in pairwise([None, *doses]):
        if dose["how"] == "repeat":
            continue
        kept.append(dose | {"repeats": before is not None and before["how"] == "repeat"})
    return kept


def choice_between(case, after, until):
    """The restart choice open for a dose on `until`: made after the dose before it (R13)."""
    made = sorted(
        (date.fromisoformat(row["on"]), row["choice"]) for row in case.get("restarts") or []
    )
    open_ones = [choice for on, choice in made if (after is None or on > after) and on <= until]
    if len(set(open_ones)) > 1:
        raise Unsaid("two different choices")
    return open_ones[-1] if open_ones else None


def opens_course(dose, regimen):
    """Whether this can only be infusion 1: its amount, or a part that fits into its amount."""
    whole = dose["row"].get("outcome") != "partial"
    return dose["mg"] == regimen["start"][0] if whole else dose["total"] <= regimen["start"][0]


def roles(case, doses, regimen):
    """Every episode as [(dose, role)]: role "first", "second", "upkeep" or "anchor".

    A split restart opens a new episode. The first dose of all that is not a first initial dose
    came from elsewhere: "anchor" (R15). A dose after a single choice re-anchors too (R13).
    """
    episodes = [[]]
    for dose in doses:
        played = episodes[-1]
        last = played[-1][0] if played else None
        choice = choice_between(case, last["until"], dose["on"]) if last else None
        if choice == "split":
            played = []
            episodes.append(played)
        done = [role for _, role in played]
        if choice == "single":
            role = "anchor"
        elif not done:
            role = "first" if opens_course(dose, regimen) else "anchor"
        elif done == ["first"] and len(regimen["start"]) == 2:
            role = "second"
        else:
            role = "upkeep"
        expected = {"second": regimen["start"][-1], "upkeep": regimen["upkeep"]}.get(role)
        completed = dose["row"].get("outcome") != "partial"
        if expected and completed and dose["mg"] != expected:
            raise Unsaid("a completed dose of another amount")
        if choice and expected is None and role == "anchor" and choice == "split":
            raise Unsaid("a split begun with another amount")
        played.append((dose, role))
    return episodes


def anchor_of(played, regimen):
    """R5, asked from the end: (A, n) after the last dose is (A, n) before it, moved on or reset."""
    *before, (dose, role) = played
    if role in ("first", "anchor"):
        return dose["on"], 1
    anchor, n = anchor_of(before, regimen)
    if role == "second":
        return anchor, n
    if dose["on"] != regimen["after"](anchor, n):
        return dose["on"], 1
    # R11 and R14 say "anchor = repeat date" and "re-anchors", R5 says keep; month ends tell.
    odd = dose["repeats"] or dose["on"] < regimen["gap"](before[-1][0]["until"])
    if odd and dose["on"].day != anchor.day and regimen["after"] is MONTHS["after"]:
        raise Unsaid("on the nominal day, but early or repeated")
    return anchor, n + 1


def flags_of(episodes, regimen):
    """R14 and R3, over every pair of neighbours in every episode."""
    found = set()
    pairs = [pair for played in episodes for pair in pairwise(played)]
    for (before, _), (dose, role) in pairs:
        if role in ("upkeep", "anchor") and dose["on"] < regimen["gap"](before["until"]):
            found.add("MIN_INTERVAL")
        if role == "second" and dose["on"] < before["on"] + days(14):
            found.add("SECOND_DOSE_EARLY")
    return sorted(found)


# --- What comes next ------------------------------------------------------------------------


def second_is_next(played, regimen):
    return [role for _, role in played] == ["first"] and len(regimen["start"]) == 2


def next_dose(played, regimen):
    """R3, R4, R6, R7 and two turning points of R8: where overdue ends, where lapse begins."""
    last = played[-1][0]
    if second_is_next(played, regimen):
        due = last["on"] + days(14)
        return {
            "step": "initial-2", "mg": regimen["start"][1], "earliest": due, "due": due,
            "opens": due, "closes": last["on"] + days(21), "extended": last["on"] + days(28),
            "lapse": regimen["after"](last["on"], 1), "nominal": due,
        }  # fmt: skip
    anchor, n = anchor_of(played, regimen)
    nominal = regimen["after"](anchor, n)
    earliest = max(regimen["gap"](dose["until"]) for dose, _ in played)
    due = max(nominal, earliest)
    return {
        "step": "maintenance", "mg": regimen["upkeep"], "earliest": earliest, "due": due,
        "opens": max(earliest, due - days(14)), "closes": due + days(14),
        "extended": due + days(28), "lapse": due_add(last["until"], 12), "nominal": nominal,
    }  # fmt: skip


def hold_today(case, today):
    """(state, first day allowed or None) of the hold in force, or None."""
    force = []
    for row in case.get("holds") or []:
        end = date.fromisoformat(row["to"]) if row.get("to") else date.max
        if date.fromisoformat(row["from"]) <= today < end:
            force.append((end, row.get("reason")))
    if not force:
        return None
    state = "paused" if any(reason == "pregnancy" for _, reason in force) else "on_hold"
    return state, max(end for end, _ in force)


def state_of(coming, today, hold, choice):
    """R8: the first line that is true."""
    lines = [
        (hold is not None, hold and hold[0]),
        (choice != "single" and today >= coming["lapse"], "lapsed"),
        (today < coming["earliest"], "not_eligible"),
        (today < coming["opens"], "eligible"),
        (today <= coming["due"], "in_window"),
        (today <= coming["closes"], "late"),
        (today < coming["extended"], "overdue"),
        (True, "extended"),
    ]
    return next(state for true, state in lines if true)


def projection(played, regimen, coming, today, hold, choice):  # noqa: PLR0917
    """R9."""
    end = hold[1] if hold else date.min
    if end == date.max or (choice != "single" and max(end, today) >= coming["lapse"]):
        return []
    first = max(coming["due"], coming["earliest"], end, today)
    after = regimen["after"]
    if coming["step"] == "initial-2":
        one = played[-1][0]["on"]
        second = max(after(one, 1), regimen["gap"](first))
        third = after(one, 2) if second == after(one, 1) else after(second, 1)
        return [first, second, third]
    if first == coming["nominal"]:
        anchor, n = anchor_of(played, regimen)
        return [first, after(anchor, n + 1), after(anchor, n + 2)]
    return [first, after(first, 1), after(first, 2)]


# --- The answer -----------------------------------------------------------------------------


def bare(state, flags=()):
    return {
        "next": None, "state": state, "days_past_due": 0,
        "projected": [], "provisional": False, "flags": list(flags),
    }  # fmt: skip


def first_dose(case, regimen, today):
    """R2: nothing given yet."""
    if hold_today(case, today):
        raise Unsaid("a hold before the first dose")
    if not case.get("ordered_for"):
        return bare("not_started")
    due = date.fromisoformat(case["ordered_for"])
    first = max(due, today)
    later = [regimen["after"](first, 1), regimen["after"](first, 2)]
    if len(regimen["start"]) == 2:
        later = [first + days(14), later[0]]
    dates = {"earliest": due, "due": due, "window_start": None, "window_end": None}
    return {
        "next": {"step": "initial-1", "dose_mg": regimen["start"][0], **dates},
        "state": "planned", "days_past_due": max(0, (today - due).days),
        "projected": [first, *later], "provisional": first != due, "flags": [],
    }  # fmt: skip


def judge(case):
    """The whole answer of the forecast, without id and reasons, dates as `date`."""
    regimen = REGIMENS[case.get("regimen") or "ocrevus-iv"]
    today = date.fromisoformat(case["today"])
    doses = read_doses(case)
    stopped = case.get("stopped_on") and date.fromisoformat(case["stopped_on"]) <= today
    stopped = stopped or any(row.get("reaction") == "life-threatening" for row in case["history"])
    if not stopped and waits_for_a_clinician(doses, regimen):
        return bare("pending_clinician")
    doses = counted(doses)
    if stopped:
        return bare("discontinued", flags_of(roles(case, doses, regimen), regimen))
    if not doses:
        return first_dose(case, regimen, today)
    return judge_next(case, regimen, today, roles(case, doses, regimen))


def judge_next(case, regimen, today, episodes):
    flags = flags_of(episodes, regimen)
    played = episodes[-1]
    hold = hold_today(case, today)
    choice = choice_between(case, played[-1][0]["until"], today)
    coming = next_dose(played, regimen)
    if choice and coming["step"] == "initial-2":
        raise Unsaid("a choice while the second dose is pending")
    if choice == "split":
        if hold:
            raise Unsaid("a hold over a restart")
        return bare("planned", flags)
    dates = projection(played, regimen, coming, today, hold, choice)
    return {
        "next": {
            "step": coming["step"], "dose_mg": coming["mg"], "earliest": coming["earliest"],
            "due": coming["due"], "window_start": coming["opens"], "window_end": coming["closes"],
        },
        "state": state_of(coming, today, hold, choice),
        "days_past_due": max(0, (today - coming["due"]).days),
        "projected": dates, "provisional": bool(dates) and dates[0] != coming["due"],
        "flags": flags,
    }  # fmt: skip


def wire(answer):
    """The answer with its dates as ISO strings, to lay beside the forecast's own."""
    if isinstance(answer, date):
        return answer.isoformat()
    if isinstance(answer, dict):
        return {key: wire(value) for key, value in answer.items()}
    return [wire(item) for item in answer] if isinstance(answer, list) else answer
