"""From facts to mails, without losing or repeating one.

    plan ──► PLANNED ──claim──► CLAIMED ──fence──► ON_WIRE ──settle──► ACCEPTED
               ▲                   │                  │
               └──── sweep ────────┘                  └──► RETRY_WAIT, FAILED or IN_DOUBT

`plan` turns the stored next doses into rows, again and again, to the same effect. `deliver` claims
rows with a lease, prepares each mail without holding any lock, looks at the database a last time
(`fence`), sends, and writes down what became of it (`settle`). `sweep` picks up what a dead worker
left. Every step is one conditional UPDATE whose row count says who won, so it works alike on
PostgreSQL and SQLite, and no transaction is ever open while the network is used.
"""

from .delivery import claim, deliver, fence, settle
from .planning import missing, plan
from .sweeping import sweep

__all__ = ["claim", "deliver", "fence", "missing", "plan", "settle", "sweep"]
