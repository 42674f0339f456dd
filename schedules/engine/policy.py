"""Where the rules leave a question open: the project's answers, A1 to A20, in one place.

An answer is a default, not a label's word. Where it is a figure the code works with the very
value that stands here or in `regimens`; where it is a way to proceed, `acts_in` says where. Source
tags such as [HCP] are those of the project's clinical rules.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Literal, get_args

from .dates import Interval, add_days, min_add, months
from .history import Choice, Disposition
from .regimens import LAPSE, MAINTENANCE, OCREVUS_IV, SECOND_DOSE
from .washout import RULES

Region = Literal["us", "eu", "uk"]

# When the sources were read. Labels change; whoever is shown a figure is shown how old it is.
READ_IN = "2026-11"


@dataclass(frozen=True, slots=True)
class Vaccines:
    """A15: the least days between a vaccine and the first infusion."""

    live_days: int
    non_live_days: int
    source: str

    def live_by(self, start: dt.date) -> dt.date:
        """The last day for a live vaccine before a first infusion on `start`; local dates."""
        return add_days(start, -self.live_days)

    def non_live_by(self, start: dt.date) -> dt.date:
        """The last day for any other vaccine before a first infusion on `start`."""
        return add_days(start, -self.non_live_days)


@dataclass(frozen=True, slots=True)
class Contraception:
    """A17: how long after the last infusion pregnancy is to be avoided."""

    span: Interval
    source: str
    read_in: str = READ_IN

    def until(self, last: dt.date) -> dt.date:
        """The first day on which `span` has passed since the infusion on `last`; local dates."""
        return min_add(last, self.span)


@dataclass(frozen=True, slots=True)
class Default:
    """One open question: the answer taken, why, the value if it is one, and where it acts."""

    number: str
    question: str
    answer: str
    why: str
    acts_in: str
    value: object = None


# A11 is the lapse; well before it the prescriber's word is asked for. No label names this gap.
LONG_GAP = months(9)
VACCINES: dict[Region, Vaccines] = {
    "us": Vaccines(28, 14, "[PP][EMPR]: live 4 weeks, others 2 weeks before where possible"),
    "eu": Vaccines(42, 42, "[MUK]: all 6 weeks before"),
    "uk": Vaccines(42, 42, "[MUK]: all 6 weeks before"),
}
CONTRACEPTION: dict[Region, Contraception] = {
    "us": Contraception(months(6), "[TM2][MAYO]"),
    "eu": Contraception(months(12), "[MIMS]: older text, the longest in print"),
    "uk": Contraception(months(4), "[RR]"),
}
# A16: months alone do not make a live vaccine safe again.
LIVE_VACCINE_AFTER_STOP = "b-cell-result"
# A18: the label's change of May 2026 has not been read; it may concern children.
ADULT_YEARS = 18
# A19: blood counts, immunoglobulins and liver tests, taken so many days before due.
LAB_INTERVAL = months(6)
LAB_LEAD_DAYS = (28, 14)
MRI_INTERVAL = months(12)

DEFAULTS = (
    Default(
        "A1",
        "Month-end overflow",
        "A due date clamps to the end of the month, a minimum gap rolls forward.",
        'Clinics say "end of February"; a minimum must hold under every reading.',
        acts_in="schedules.engine.dates",
    ),
    Default(
        "A2",
        "Is the gap before the first maintenance dose from infusion 1 or 2?",
        "The later of both.",
        "The label counts doses, not infusions; it normally costs 14 days of early slack.",
        acts_in="schedules.engine.forecast",
        value=OCREVUS_IV.min_gap,
    ),
    Default(
        "A3",
        "6 months or 24 weeks",
        "Calendar months; weeks only as a regimen of their own; never converted.",
        "Current US and EU text says months; the trials and an old page say weeks.",
        acts_in="schedules.engine.regimens",
        value=OCREVUS_IV.interval,
    ),
    Default(
        "A4",
        "Does an early dose keep or move the anchor?",
        "It moves the anchor.",
        "The interval stays 6 months; the label only speaks of missed doses.",
        acts_in="schedules.engine.history",
    ),
    Default(
        "A5",
        "A few weeks early or late",
        "A soft window of 14 days on both sides.",
        "No label gives a tolerance; the early limit stays the minimum gap.",
        acts_in="schedules.engine.regimens",
        value=(MAINTENANCE.early, MAINTENANCE.late),
    ),
    Default(
        "A6",
        "When is a delay serious?",
        "From 28 days after due.",
        "Studies call a delay of 4 weeks or more an extended interval [EID1][EID2].",
        acts_in="schedules.engine.regimens",
        value=MAINTENANCE.extended,
    ),
    Default(
        "A7",
        "The second part is late",
        "Give it when possible; a clinician reviews from day 28; it may push what follows.",
        "Nothing published was found; 28 days come before the push of R4.",
        acts_in="schedules.engine.regimens",
        value=OCREVUS_IV.initial[1].offset_days + SECOND_DOSE.extended,
    ),
    Default(
        "A8",
        "The second part is early",
        "It is not booked before day 14; given before, it counts and is flagged.",
        '"2 weeks later"; the trials used days 1 and 15.',
        acts_in="schedules.engine.regimens",
        value=OCREVUS_IV.initial[1].offset_days,
    ),
    Default(
        "A9",
        "A dose that was not finished",
        "A clinician decides what it counts as; no percentage decides.",
        "No source has a rule.",
        acts_in="schedules.engine.history",
        value=get_args(Disposition),
    ),
    Default(
        "A10",
        "How to restart after a lapse",
        "A clinician chooses; both ways are shown.",
        "The maker declines to recommend [RM].",
        acts_in="schedules.engine.history",
        value=get_args(Choice),
    ),
    Default(
        "A11",
        "Which gap is a lapse?",
        "12 months since the last infusion.",
        "A full dose was skipped; 12 months and more is a published category [EID3].",
        acts_in="schedules.engine.regimens",
        value=LAPSE,
    ),
    Default(
        "A12",
        "The anchor of a transfer",
        "The date of the last dose.",
        "An earlier anchor is unknown.",
        acts_in="schedules.engine.history",
    ),
    Default(
        "A13",
        "A change between infusion and injection",
        "The clock goes on, no dose is split anew.",
        "The EU allows infusion to injection [EMS]; the way back was not found: confirm.",
        acts_in="schedules.engine.history",
    ),
    Default(
        "A14",
        "The wait after natalizumab",
        "28 days at least, 42 as the target, an alert after 45; exclude PML first.",
        "The brief's 4 to 12 weeks [S] against newer figures below 30 days [NS].",
        acts_in="schedules.engine.washout",
        value=RULES["natalizumab"],
    ),
    Default(
        "A15",
        "Weeks between a vaccine and the first infusion",
        "By the label that the clinic follows.",
        "The labels differ.",
        acts_in="schedules.engine.policy",
        value=VACCINES,
    ),
    Default(
        "A16",
        "A live vaccine after stopping",
        "Only with a B-cell result.",
        "The brief's 6 months contradict the label [PP][EMPR].",
        acts_in="schedules.engine.policy",
        value=LIVE_VACCINE_AFTER_STOP,
    ),
    Default(
        "A17",
        "How long contraception is needed after the last infusion",
        "By the label that the clinic follows, with the date of the source.",
        "4, 6 and 12 months are all in print.",
        acts_in="schedules.engine.policy",
        value=CONTRACEPTION,
    ),
    Default(
        "A18",
        "The US label of May 2026",
        "Nobody under 18 years; a clinician reviews the new text.",
        "The new text was not available.",
        acts_in="schedules.engine.policy",
        value=ADULT_YEARS,
    ),
    Default(
        "A19",
        "How often blood is tested",
        "Every 6 months, 14 to 28 days before due; the clinic may change it.",
        "No label gives a frequency.",
        acts_in="schedules.engine.policy",
        value=(LAB_INTERVAL, LAB_LEAD_DAYS),
    ),
    Default(
        "A20",
        "Label or the clinic's own protocol?",
        "The clinic's, but never below a hard check or the minimum gap without a reason.",
        "Governance.",
        acts_in="schedules.engine.forecast",
        value=OCREVUS_IV.min_gap,
    ),
)
