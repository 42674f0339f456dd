"""The database's own refusal to change the trail: triggers, and what an application may do.

Triggers hold whoever writes, whatever the program. Who owns the tables can take them away again:
so the application had better not own them (`grants`), and `verifying` notices what was done.
Where SQLite is the database, any program that may write the file is its owner.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

KEPT = ("audit_entry", "audit_seal", "audit_detail")
REFUSAL = "What is on the audit trail is neither changed nor removed."

# Details go only after an entry that says so (`models.ERASE`), which is newer than theirs.
_ERASED = (
    "EXISTS (SELECT 1 FROM audit_entry told JOIN audit_entry theirs ON theirs.id = OLD.entry_id "
    "WHERE told.act = 'erase details' AND told.patient_id = theirs.patient_id "
    "AND told.id > theirs.id)"
)

_SQLITE = {
    f"{table}_no_{act.lower()}": (
        f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
        f"{when}BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )
    for table in KEPT
    for act in ("UPDATE", "DELETE")
    for when in [f"WHEN NOT {_ERASED} " if (table, act) == ("audit_detail", "DELETE") else ""]
}

_FUNCTIONS = (
    f"""CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$""",
    f"""CREATE OR REPLACE FUNCTION audit_refuse_unless_told() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT {_ERASED} THEN RAISE EXCEPTION '{REFUSAL}'; END IF;
        RETURN OLD;
    END $$""",
)
_POSTGRESQL = {
    f"{table}_no_{act.lower()}": (
        f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
        f"FOR EACH {'STATEMENT' if act == 'TRUNCATE' else 'ROW'} EXECUTE FUNCTION {function}()"
    )
    for table in KEPT
    for act in ("UPDATE", "DELETE", "TRUNCATE")
    for function in [
        "audit_refuse_unless_told" if (table, act) == ("audit_detail", "DELETE") else "audit_refuse"
    ]
}


def install(connection: BaseDatabaseWrapper) -> list[str]:
    """Put up the triggers that are not there; returns their names."""
    absent = missing(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for sql in _FUNCTIONS:
                cursor.execute(sql)
        for name in absent:
            cursor.execute(_triggers(connection)[name])
    return absent


def uninstall(connection: BaseDatabaseWrapper) -> None:
    """Take the triggers down. Only the tables' owner can."""
    with connection.cursor() as cursor:
        for name in set(_triggers(connection)) - set(missing(connection)):
            on = f" ON {name.rpartition('_no_')[0]}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER {name}{on}")


@contextmanager
def lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Without the triggers for a while: for a made-up trail that goes with its made-up people."""
    _settle(connection)
    uninstall(connection)
    try:
        yield
    finally:
        _settle(connection)
        install(connection)


def _settle(connection: BaseDatabaseWrapper) -> None:
    """PostgreSQL gives and takes no trigger while a table has checks to do at the commit."""
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # which checks what waits
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of the triggers that are not there, or do not act."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        there = {name for (name,) in cursor.fetchall()}
    return sorted(set(_triggers(connection)) - there)


def grants(role: str) -> list[str]:
    """What makes `role`, which does not own the tables, one that adds to the trail and no more."""
    name = '"' + role.replace('"', '""') + '"'
    kept = ", ".join(KEPT)
    return [
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
        f"REVOKE ALL ON {kept} FROM {name}",
        f"GRANT SELECT, INSERT ON {kept} TO {name}",
        # The trigger lets details go only where an entry says so.
        f"GRANT DELETE ON audit_detail TO {name}",
        f"REVOKE CREATE ON SCHEMA public FROM {name}",
    ]


def _triggers(connection: BaseDatabaseWrapper) -> dict[str, str]:
    return _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
