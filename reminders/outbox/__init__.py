"""From facts to mails, without losing or repeating one.

    plan ──► PLANNED ──claim──► CLAIMED ──fence──► ON_WIRE ──accept──► ACCEPTED
               ▲                   │                  │
               └──── sweep ────────┘                  └──► RETRY_WAIT, FAILED or IN_DOUBT

`plan` turns the stored next doses into rows, again and again, to the same effect; `tick` does so
at next to no cost while nothing changes. `deliver` claims rows with a lease, renders each mail
without holding any lock, looks at the database a last time (`fence`), sends, and writes down what
became of it. `sweep` picks up what a dead worker left. Every step is one conditional UPDATE whose
row count says who won, so it works alike on PostgreSQL and SQLite, and no transaction is ever
open while the network is used.
"""

from .delivery import deliver
from .planning import missing, plan, tick
from .rows import accept, claim, fence, settle
from .sweeping import sweep

__all__ = ["accept", "claim", "deliver", "fence", "missing", "plan", "settle", "sweep", "tick"]
