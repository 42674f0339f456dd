"""What is checked before a dose and during treatment (section 4 of the clinical rules).

A check blocks booking or starting, or asks for a look; it never moves a date (R17): nothing here
is known to `forecast`. Dates of monitoring hang off the next doses, not the other way round.
Source tags such as [PP] are those of the project's clinical rules.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from .dates import Interval, add_days, due_add
from .policy import LAB_INTERVAL, LAB_LEAD_DAYS, MRI_INTERVAL, READ_IN

Status = Literal["done", "needed", "expired", "not_needed", "not_clear"]
Who = Literal["clinic", "patient", "insurer"]
Part = Literal["approval", "blood", "vaccines", "infection", "scan", "body"]

# What stands in the way of a dose where the check is a hard one.
OPEN: frozenset[Status] = frozenset({"needed", "expired", "not_clear"})


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at. `before` says which doses wait for it; None only follows treatment."""

    code: str
    title: str
    about: str  # what is looked at, and what speaks against an infusion
    part: Part
    who: Who  # whose turn it is while it is missing
    source: str
    before: Literal["first", "each"] | None = None
    hard: bool = False  # it stands in the way; the others are advice
    # Whether a clinician may go on against the result. What may not be gone against cannot be
    # called needless either.
    overridable: bool = True
    per_site: bool = False  # a clinic may leave it out
    by_choice: bool = False  # after the first dose only where the clinic asks for it
    valid_for: Interval | None = None  # a check of the visit itself: good for so many days
    monitoring: Interval | None = None  # how often during treatment; a clinic may change it
    lead_days: tuple[int, int] = LAB_LEAD_DAYS  # taken so many days before a dose is due
    only_after: str = ""  # asked only of people who come from this drug


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a check on a local date. `clear` is false where it speaks against a dose."""

    code: str
    status: Literal["done", "not-needed"]
    done_on: dt.date
    clear: bool = True
    expires_on: dt.date | None = None  # the last day it holds


CHECKS = (
    Check(
        code="authorization",
        title="Insurance approval",
        about="The approval of the coming infusion, with the last day it holds.",
        part="approval",
        who="insurer",
        source="[GA]; US only",
        before="each",
        hard=True,
        per_site=True,
    ),
    Check(
        code="hepatitis-b",
        title="Hepatitis B",
        about="HBsAg and anti-HBc. Active hepatitis B rules the infusion out. A carrier, or "
        "anti-HBc alone, speaks against it until a liver expert has agreed in writing.",
        part="blood",
        who="clinic",
        source="[PP]",
        before="first",
        hard=True,
        overridable=False,
    ),
    Check(
        code="immunoglobulins",
        title="Immunoglobulins",
        about="IgG, IgA and IgM. Low values speak against the infusion until an immunologist "
        "has been asked.",
        part="blood",
        who="clinic",
        source="[PP][EMPR]; every 6 months is this project's default (A19)",
        before="first",
        hard=True,
        monitoring=LAB_INTERVAL,
    ),
    Check(
        code="liver",
        title="Liver tests",
        about="ALT, AST, ALP and bilirubin. Liver injury speaks against the infusion until "
        "another cause is found and it has resolved.",
        part="blood",
        who="clinic",
        source="[PP][HSA][SWM]; every 6 months is this project's default (A19)",
        before="first",
        hard=True,
        monitoring=LAB_INTERVAL,
    ),
    Check(
        code="pregnancy",
        title="Pregnancy",
        about="The pregnancy status or test. Not needed where pregnancy is not possible.",
        part="blood",
        who="clinic",
        source="[PP]; tests before later doses as the site decides",
        before="each",
        hard=True,
        per_site=True,
        by_choice=True,
    ),
    Check(
        code="vaccines",
        title="Vaccines",
        about="The vaccine plan: which ones are needed, and that the last one lies far enough "
        "before the first infusion.",
        part="vaccines",
        who="patient",
        source="[PP][EMPR][MUK]",
        before="first",
        hard=True,
    ),
    Check(
        code="infection",
        title="Infection check",
        about="No active infection on the day. One that is active holds the infusion until it "
        "has resolved.",
        part="infection",
        who="clinic",
        source="[OLD][EMPR]",
        before="each",
        hard=True,
        overridable=False,
        valid_for=Interval(days=7),
    ),
    Check(
        code="cbc",
        title="Blood count",
        about="A complete blood count (CBC).",
        part="blood",
        who="clinic",
        source="[HEF]; every 6 months is this project's default (A19)",
        before="first",
        per_site=True,
        monitoring=LAB_INTERVAL,
    ),
    Check(
        code="mri",
        title="MRI",
        about="A scan of the brain to compare later ones with.",
        part="scan",
        who="clinic",
        source="[S]",
        before="first",
        per_site=True,
        monitoring=MRI_INTERVAL,
    ),
    Check(
        code="jcv",
        title="JC virus",
        about="The JC virus history, for people who come from natalizumab.",
        part="blood",
        who="clinic",
        source="[NS][DB]",
        before="first",
        per_site=True,
        only_after="natalizumab",
    ),
    Check(
        code="weight",
        title="Weight",
        about="The weight at the start.",
        part="body",
        who="clinic",
        source="[S]",
        before="first",
        per_site=True,
    ),
    Check(
        code="breast-screening",
        title="Breast screening",
        about="As the standard guideline says for age and history.",
        part="scan",
        who="patient",
        source=f"the label's advice, read in {READ_IN}; no interval of its own",
        per_site=True,
    ),
)
BY_CODE = {check.code: check for check in CHECKS}


def checks_before(
    *,
    first: bool,
    previous_drug: str = "",
    left_out: Collection[str] = (),
    chosen: Collection[str] = (),
) -> list[Check]:
    """The checks that a dose waits for, or that are advised before it, in the order to show.

    `first` is true for a first dose and for one after a lapse, which runs the baseline again
    (R13). `left_out` and `chosen` are codes that the clinic does not ask for, or does at every
    dose; a clinic cannot leave out what is no matter of the site (A20).
    """
    return [
        check
        for check in CHECKS
        if _is_due_before(check, first=first, chosen=chosen)
        and check.only_after in {"", previous_drug}
        and not (check.per_site and check.code in left_out)
    ]


def _is_due_before(check: Check, *, first: bool, chosen: Collection[str]) -> bool:
    if first:
        return check.before is not None
    return check.before == "each" and (not check.by_choice or check.code in chosen)


def holds_until(check: Check, answer: Answer) -> dt.date | None:
    """The last day, a local date, on which `answer` holds; None while nothing ends it."""
    if answer.expires_on or not check.valid_for or answer.status == "not-needed":
        return answer.expires_on
    return due_add(answer.done_on, check.valid_for)


def status_of(
    check: Check, answer: Answer | None, *, on: dt.date, since: dt.date | None = None
) -> Status:
    """Where `check` stands for a dose on the local date `on`; `answer` is its newest.

    An answer of `since` or before belongs to an earlier dose, and is needed anew. But what spoke
    against an infusion goes on to do so until somebody records better, unless it was a check of
    that visit alone.
    """
    if answer is None:
        return "needed"
    outdated = since is not None and answer.done_on <= since
    if not (answer.clear or (outdated and check.valid_for)):
        return "not_clear"
    if outdated:
        return "needed"
    end = holds_until(check, answer)
    if end is not None and end < on:
        return "expired"
    return "done" if answer.status == "done" else "not_needed"


def blocks(check: Check, status: Status) -> bool:
    """Whether a dose waits for it."""
    return check.hard and status in OPEN


def is_final(check: Check, answer: Answer | None, status: Status, *, on: dt.date) -> bool:
    """Whether no reason lets a dose on `on` go on: only better news does.

    An infection found today says nothing of a visit next month, so it is final for as long as a
    check of the visit would hold.
    """
    if check.overridable or status != "not_clear" or answer is None:
        return False
    return check.valid_for is None or on <= due_add(answer.done_on, check.valid_for)


def monitoring_dates(
    check: Check,
    *,
    last_done_on: dt.date | None,
    doses: Sequence[dt.date],
    interval: Interval | None = None,
) -> tuple[dt.date, dt.date] | None:
    """The first and the last day to do `check` next, hanging off one of the coming `doses`.

    It is the first dose that comes no earlier than the interval allows, and for which the check
    was not done yet: so the gap grows beyond the interval by the lead at most. None where no
    interval is set, and where none of `doses` is far enough away. All are local dates.
    """
    every = interval or check.monitoring
    if every is None:
        return None
    start, end = check.lead_days
    for dose in doses:
        opens = add_days(dose, -start)
        soon = last_done_on is None or due_add(last_done_on, every) <= add_days(dose, start)
        if soon and (last_done_on is None or last_done_on < opens):
            return opens, add_days(dose, -end)
    return None
