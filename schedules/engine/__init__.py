"""The schedule engine: dosing rules in, dates out. No Django, no clock, no I/O.

Priorities, in this order: correct against the named rule, readable, small.
Rule numbers (R1 to R18) are those of the project's clinical rules; each module says where
the rule comes from. Decision support only: every date needs a clinician's confirmation.

    regimens.py   dosing protocols as frozen data, with their source and version
    dates.py      adding months: due dates clamp, minimum gaps roll forward
    history.py    what was given, checked and replayed to where the course stands
    forecast.py   history + today -> next dose, state, projection, the reasons
    cautions.py   what to ask before an infusion is recorded
    explain.py    the reasons as sentences
    trace.py      each date's rule, anchor, count and overflow, as data
    open_days.py  the day to offer where the clinic is closed on the due day
    infusing.py   rate tables, run time and chair time
    washout.py    how long to wait after another treatment
    screening.py  what is checked before a dose and during treatment
    policy.py     the answers to what the rules leave open, A1 to A20
"""
