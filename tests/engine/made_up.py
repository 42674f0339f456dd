"""Made-up courses for the oracle: mostly ordinary, and on purpose close to every boundary.

A dose or a "today" is set on, or one day beside, a date at which some rule changes its answer;
courses start on month ends and leap days far more often than the calendar has them.
"""

from datetime import date, timedelta

from tests.engine import oracle

AWKWARD = [
    (1, 29), (1, 30), (1, 31), (2, 28), (2, 29), (3, 1), (3, 31), (4, 30), (5, 31), (8, 29),
    (8, 30), (8, 31), (9, 29), (9, 30), (10, 31), (11, 30), (12, 31),
]  # fmt: skip


def a_start(rng):
    """A first day between 2018 and 2034, often a month end."""
    if rng.random() < 0.5:
        return date(2018, 1, 1) + timedelta(days=rng.randrange(6000))
    month, day = rng.choice(AWKWARD)
    year = rng.randrange(2018, 2035)
    return date(year, month, min(day, 28) if month == 2 and year % 4 else day)


def turning_points(case):
    """The dates at which the answer to this course changes, the usual ones first."""
    last = max(item["given_on"] for item in case["history"])
    try:
        coming = oracle.judge({**case, "today": last})["next"]
    except oracle.Unsaid:
        coming = None
    last = date.fromisoformat(last)
    if coming is None:
        return [last + timedelta(days=168)], 600
    due = coming["due"]
    points = [
        due, coming["earliest"], coming["window_start"], coming["window_end"],
        due + timedelta(days=28), oracle.due_add(last, 12), oracle.due_add(last, 6),
    ]  # fmt: skip
    return points, coming["dose_mg"]


def near(rng, points, after):
    """A day after `after`: half of them on the first point, the rest beside one, or anywhere."""
    luck = rng.random()
    if luck < 0.4:
        day = points[0]
    elif luck < 0.85:
        day = rng.choice(points) + timedelta(days=rng.choice([-1, 0, 0, 1]))
    else:
        day = after + timedelta(days=rng.randrange(1, 500))
    return max(day, after + timedelta(days=1))


def last_day(case):
    return date.fromisoformat(max(item["given_on"] for item in case["history"]))


def plain(rng):
    """A valid course of R1-R9 and R14: planned amounts, any timing, any "today"."""
    regimen = rng.choice(list(oracle.REGIMENS))
    start = a_start(rng)
    case = {"regimen": regimen, "history": []}
    if rng.random() < 0.05:
        case["ordered_for"] = rng.choice([None, start.isoformat()])
        return case | {"today": (start + timedelta(days=rng.randrange(-30, 30))).isoformat()}
    first = oracle.REGIMENS[regimen]["start"][0]
    case["history"].append({"given_on": start.isoformat(), "dose_mg": first})
    for _ in range(rng.randrange(7)):
        points, amount = turning_points(case)
        day = near(rng, points, last_day(case))
        case["history"].append({"given_on": day.isoformat(), "dose_mg": amount})
    return with_today(rng, case)


def with_today(rng, case):
    points, _ = turning_points(case)
    today = near(rng, points[1:] + points[:1], last_day(case) - timedelta(days=1))
    rng.shuffle(case["history"])
    return case | {"today": today.isoformat()}


def anything(rng):
    """As `plain`, with transfers, partial doses, restarts, holds and stops."""
    case = plain(rng)
    case["history"] = sorted(case["history"], key=lambda item: item["given_on"])
    for spoil in (transfer, partial, restart, hold, hold, stop):
        if rng.random() < 0.3:
            spoil(rng, case)
    rng.shuffle(case["history"])
    return case


def transfer(rng, case):
    if case["history"]:
        case["history"] = case["history"][rng.randrange(3) :] or case["history"]
        if rng.random() < 0.2:
            rng.choice(case["history"])["ordinal"] = "unknown"


def partial(rng, case):
    """One dose stopped early; what it counts as; perhaps its repeat or remainder days later."""
    if not case["history"]:
        return
    at = rng.randrange(len(case["history"]))
    item = case["history"][at]
    whole = item["dose_mg"]
    how = rng.choice([None, "count-as-given", "complete-remainder", "repeat"])
    item |= {"dose_mg": whole // 3, "outcome": "partial", "disposition": how}
    follow = date.fromisoformat(item["given_on"]) + timedelta(days=rng.randrange(1, 15))
    taken = {other["given_on"] for other in case["history"]}
    if how in (None, "count-as-given") or follow.isoformat() in taken:
        return
    more = {"given_on": follow.isoformat(), "dose_mg": whole}
    if how == "complete-remainder":
        more |= {"dose_mg": whole - whole // 3, "remainder": True}
    case["history"].insert(at + 1, more)
    case["today"] = max(case["today"], follow.isoformat())


def restart(rng, case):
    """Let the last dose lapse, have a clinician choose, and perhaps give the chosen dose."""
    if not case["history"]:
        return
    regimen = oracle.REGIMENS[case["regimen"]]
    on = oracle.due_add(last_day(case), 12) + timedelta(days=rng.choice([0, 1, 40]))
    choice = rng.choice(["single", "split"])
    case["restarts"] = [{"on": on.isoformat(), "choice": choice}]
    today = on
    if rng.random() < 0.7:
        amounts = {"single": regimen["upkeep"], "split": regimen["start"][0]}
        today = on + timedelta(days=rng.randrange(20))
        case["history"].append({"given_on": today.isoformat(), "dose_mg": amounts[choice]})
    case["today"] = (today + timedelta(days=rng.randrange(400))).isoformat()


def hold(rng, case):
    today = date.fromisoformat(case["today"])
    start = today + timedelta(days=rng.randrange(-40, 5))
    end = rng.choice([None, start + timedelta(days=rng.randrange(400))])
    reason = rng.choice(["pregnancy", "infection", "other"])
    case.setdefault("holds", []).append(
        {"from": start.isoformat(), "to": end and end.isoformat(), "reason": reason}
    )


def stop(rng, case):
    if rng.random() < 0.5:
        day = date.fromisoformat(case["today"]) + timedelta(days=rng.randrange(-3, 4))
        case["stopped_on"] = day.isoformat()
    elif case["history"]:
        rng.choice(case["history"])["reaction"] = rng.choice(["severe", "life-threatening"])
