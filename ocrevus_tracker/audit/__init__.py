"""Who did what, who saw what, and why. Entries are added and never changed.

How it holds, from the inside out:

1. Verbs add an entry in the transaction of their act (`trail.record`), pages before they are
   shown (`trail.record_view`). Nothing hangs on signals, which never hear of
   `queryset.update()`; a test refuses such writes outside the verbs. That is also why
   django-auditlog is not used here: it listens to signals, has no reasons, and would write a
   second trail beside this one for the same acts.
2. Each entry is signed with a key that is not in the database (`digests`).
3. The database refuses to change or remove what is there (`guards`): triggers, and on PostgreSQL
   a role for the application that may only add.
4. Once a minute the worker closes a chain over what is new (`sealing`): ids and signatures in
   links, each of which holds the hash of the one before.
5. Each link is written down in a file outside the database as well (`anchor`).
6. `manage.py audit_verify` holds all of these side by side and names the first row that is wrong.

What remains possible, unseen: whoever owns the database can remove an entry before it is sealed,
which takes a minute, or longer while no worker runs (`/readyz` says so, and `audit_verify` counts
what waits). Whoever has the key as well, because they are on the application's machine, can add
made-up entries from then on; what was sealed before stands, as long as the anchor, or a copy of
it, or a line of `audit_anchor`, is out of their reach.

What is written about people can be erased (`trail.erase`), the acts stay. An entry keeps ids and
a signature of its details; the values and words are in a row that may go, once an entry says so.
"""
