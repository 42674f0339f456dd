"""Fifty ways to touch the trail, as the owner of the database would: past Python and triggers.

Each takes the trail as it is and dice, does its damage with SQL, and answers which row is the
first that is wrong.
"""

import json
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from django.db import connection

from ocrevus_tracker.audit import digests, guards
from ocrevus_tracker.audit.models import Detail, Entry, Seal

Row = tuple[str, int]
ENTRY, SEAL = "audit_entry", "audit_seal"


@contextmanager
def as_owner() -> Iterator[None]:
    """The triggers are away meanwhile, and the database lets all pass that its rules do not."""
    with guards.lifted(connection):
        yield


def run(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def any_entry(dice: Random) -> Entry:
    return dice.choice(list(Entry.objects.filter(pk__lte=Seal.objects.last().reaches)))


def any_detail(dice: Random) -> Detail:
    return dice.choice(list(Detail.objects.order_by("pk")))


def change_field(dice: Random) -> Row:
    entry = any_entry(dice)
    field, value = dice.choice(
        [
            *(("act", "something else"), ("subject", "patient 99999"), ("role", "admin")),
            *(("patient_id", 99999), ("shown", ",1,"), ("at", "2020-01-01T00:00:00Z")),
        ]
    )
    run(f"UPDATE audit_entry SET {field} = %s WHERE id = %s", value, entry.pk)  # noqa: S608 - our own
    return ENTRY, entry.pk


def blame_another(dice: Random) -> Row:
    entry = dice.choice(list(Entry.objects.exclude(actor=None)))
    run(
        "UPDATE audit_entry SET actor_id ="
        " (SELECT MIN(id) FROM accounts_user WHERE id <> actor_id) WHERE id = %s",
        entry.pk,
    )
    return ENTRY, entry.pk


def make_unreadable(dice: Random) -> Row:
    """A moment that no clock shows; whoever reads the row fails."""
    entry = any_entry(dice)
    moment = "infinity" if connection.vendor == "postgresql" else "no time"
    run("UPDATE audit_entry SET at = %s WHERE id = %s", moment, entry.pk)
    return ENTRY, entry.pk


def write_letters(dice: Random) -> Row:
    """A digest that no digest looks like."""
    entry = any_entry(dice)
    run("UPDATE audit_entry SET digest = %s WHERE id = %s", "“é”", entry.pk)
    return ENTRY, entry.pk


def empty_link(dice: Random) -> Row:
    link = _any_link(dice)
    run("UPDATE audit_seal SET entries = 'null' WHERE number = %s", link.number)
    return SEAL, link.number


def remove(dice: Random) -> Row:
    entry = any_entry(dice)
    run("DELETE FROM audit_detail WHERE entry_id = %s", entry.pk)
    run("DELETE FROM audit_entry WHERE id = %s", entry.pk)
    return ENTRY, entry.pk


def remove_several(dice: Random) -> Row:
    return min(remove(dice) for _each in range(3))


def put_in(dice: Random) -> Row:
    """A made-up entry, with a digest that looks like one."""
    return _insert(any_entry(dice), digest=secrets.token_hex(32))


def put_in_early(dice: Random) -> Row:
    """Under a number before all others."""
    return _insert(any_entry(dice), digest=secrets.token_hex(32), pk=-dice.randrange(1, 99))


def copy(dice: Random) -> Row:
    """A genuine entry once more: its digest is right, and there already."""
    entry = any_entry(dice)
    _allow_copies()
    return _insert(entry, digest=entry.digest)


def swap(dice: Random) -> Row:
    """Two entries change places."""
    one, other = sorted(dice.sample(_without_details(), 2))
    for old, new in ((one, -1), (other, one), (-1, other)):
        run("UPDATE audit_entry SET id = %s WHERE id = %s", new, old)
    return ENTRY, one


def renumber(dice: Random) -> Row:
    pk = dice.choice(_without_details())
    run("UPDATE audit_entry SET id = %s WHERE id = %s", pk + 100_000, pk)
    return ENTRY, pk


def change_reason(dice: Random) -> Row:
    detail = any_detail(dice)
    run("UPDATE audit_detail SET reason = 'no reason' WHERE entry_id = %s", detail.pk)
    return ENTRY, detail.pk


def change_values(dice: Random) -> Row:
    detail = any_detail(dice)
    values = json.dumps([["dose_mg", 1, 2]])
    run("UPDATE audit_detail SET changes = %s WHERE entry_id = %s", values, detail.pk)
    return ENTRY, detail.pk


def remove_details(dice: Random) -> Row:
    detail = any_detail(dice)
    run("DELETE FROM audit_detail WHERE entry_id = %s", detail.pk)
    return ENTRY, detail.pk


def add_details(dice: Random) -> Row:
    pk = dice.choice(_without_details())
    values = (pk, "salt", "words", "[]")
    run("INSERT INTO audit_detail (entry_id, salt, reason, changes) VALUES (%s,%s,%s,%s)", *values)
    return ENTRY, pk


def hide_in_the_link(dice: Random) -> Row:
    """Remove an entry and take it out of its link as well."""
    link = _any_link(dice)
    pk = dice.choice(link.entries)[0]
    run("DELETE FROM audit_detail WHERE entry_id = %s", pk)
    run("DELETE FROM audit_entry WHERE id = %s", pk)
    _write_link(link, entries=[one for one in link.entries if one[0] != pk])
    return ENTRY, pk


def change_link(dice: Random) -> Row:
    link = _any_link(dice)
    field, value = dice.choice(
        [("sealed_at", "2020-01-01T00:00:00Z"), ("hash", "0" * 64), ("reaches", 10**9)]
    )
    run(f"UPDATE audit_seal SET {field} = %s WHERE number = %s", value, link.number)  # noqa: S608 - our own
    return SEAL, link.number


def remove_link(dice: Random) -> Row:
    link = dice.choice(list(Seal.objects.all())[:-1])
    run("DELETE FROM audit_seal WHERE number = %s", link.number)
    return SEAL, link.number


def cut_tail(dice: Random) -> Row:
    """The last links and their entries go: what is left is a whole, shorter chain."""
    gone = list(Seal.objects.order_by("-number")[: dice.randrange(1, 4)])
    for link in gone:
        for pk, _digest in link.entries:
            run("DELETE FROM audit_detail WHERE entry_id = %s", pk)
            run("DELETE FROM audit_entry WHERE id = %s", pk)
        run("DELETE FROM audit_seal WHERE number = %s", link.number)
    return ENTRY, gone[-1].entries[0][0]


def cut_links(_dice: Random) -> Row:
    """The last link goes, its entries stay, as if they were waiting for it."""
    last = Seal.objects.last()
    run("DELETE FROM audit_seal WHERE number = %s", last.number)
    return SEAL, last.number


def remove_chain(_dice: Random) -> Row:
    run("DELETE FROM audit_seal")
    return SEAL, 1


def replace_chain(dice: Random) -> Row:
    """With the key: one entry is changed and signed anew, and so is each link from its own on."""
    entry = any_entry(dice)
    entry.act = "something else"
    entry.digest = digests.sign(entry)
    run(
        "UPDATE audit_entry SET act = %s, digest = %s WHERE id = %s",
        *(entry.act, entry.digest, entry.pk),
    )
    before = ""
    for link in Seal.objects.all():
        digest_of = dict(Entry.objects.values_list("pk", "digest"))
        entries = [[pk, digest_of[pk]] for pk, _old in link.entries]
        before = _write_link(link, entries=entries, previous=before)
    return ENTRY, entry.pk


KINDS: tuple[Callable[[Random], Row], ...] = (
    *(change_field, change_field, change_field, blame_another, remove, remove_several),
    *(make_unreadable, write_letters, empty_link),
    *(put_in, put_in_early, copy, swap, renumber, change_reason, change_values),
    *(remove_details, add_details, hide_in_the_link, change_link, remove_link),
    *(cut_tail, cut_links, remove_chain, replace_chain),
)


def _insert(like: Entry, *, digest: str, pk: int | None = None) -> Row:
    pk = pk or Entry.objects.order_by("pk").last().pk + 1
    columns = "at, actor_id, role, clinic_id, act, subject, patient_id, shown, nonce, details"
    run(
        f"INSERT INTO audit_entry (id, digest, {columns}) "  # noqa: S608 - our own
        f"SELECT %s, %s, {columns.replace('details', '%s')} FROM audit_entry WHERE id = %s",
        *(pk, digest, "" if digest != like.digest else like.details, like.pk),
    )
    return ENTRY, pk


def _allow_copies() -> None:
    """Take the rule away that no digest comes twice."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, ENTRY)
    unique = next(name for name, one in found.items() if one["columns"] == ["digest"])
    if connection.vendor == "postgresql":
        run(f"ALTER TABLE audit_entry DROP CONSTRAINT {unique}")
        return
    # SQLite keeps the rule in the table's own text: make one without it.
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_entry'")
        text = cursor.fetchone()[0]
    text = re.sub(r'("digest" varchar\(64\) NOT NULL) UNIQUE', r"\1", text)
    run(text.replace('"audit_entry"', "other", 1))
    run("INSERT INTO other SELECT * FROM audit_entry")
    run("DROP TABLE audit_entry")
    run("ALTER TABLE other RENAME TO audit_entry")


def _without_details() -> list[int]:
    sealed = Entry.objects.filter(details="", pk__lte=Seal.objects.last().reaches)
    return list(sealed.values_list("pk", flat=True))


def _any_link(dice: Random) -> Seal:
    return dice.choice(list(Seal.objects.all()))


def _write_link(link: Seal, **fields: object) -> str:
    """As if the link had always been so; signed with the key only where `previous` is given."""
    for name, value in fields.items():
        setattr(link, name, value)
    if "previous" in fields:
        link.hash = digests.sign(link)
    run(
        "UPDATE audit_seal SET entries = %s, previous = %s, hash = %s WHERE number = %s",
        *(json.dumps(link.entries), link.previous, link.hash, link.number),
    )
    return link.hash
