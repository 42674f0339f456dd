"""No write of patient data goes past the trail.

Verbs write the trail themselves, in their own transaction; there is no signal that could forget
`queryset.update()`, as tools built on signals do. What a reader of the code might overlook instead
is a write outside the verbs. So each statement that writes many rows at once, or past the models,
is in a place that is named here, with what makes it visible.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocrevus_tracker.audit import trail
from schedules import actions
from schedules.presenting.trail import ACTS

ROOT = Path(__file__).parents[2]
MANY_AT_ONCE = {"bulk_create", "bulk_update", "get_or_create", "update_or_create", "raw"}
PAST_MODELS = {"execute", "executemany", "_raw_delete"}
# The outbox's rows are the machine's own notes on what it sent; people's acts on them are verbs.
# Of the folders, only these stay aside.
ASIDE = ("migrations", "reminders/outbox")
PLACES = {
    # Each of these is a verb, or runs in one, that adds an entry in the same transaction.
    "schedules/actions/clinics.py": {"remove_closure", "set_check_interval"},
    "schedules/actions/consequences.py": {"reopen_visits", "end_after_reaction"},
    "schedules/actions/courses.py": {"choose_restart", "switch_regimen", "_end"},
    "schedules/actions/granting.py": {"grant_access", "end_grant", "note_look"},
    "schedules/actions/online.py": {
        *("invite_patient", "withdraw_invitation", "claim_record", "end_online_access"),
        "withdraw_for_address",
    },
    "schedules/actions/recomputing.py": {"_write"},
    "schedules/actions/requests.py": {"answer"},
    "schedules/actions/staffing.py": {
        *("invite_staff", "withdraw_staff_invitation", "join_clinic", "remove_member"),
    },
    "reminders/choices.py": {"_change", "_change_preference", "_change_person"},
    "reminders/helpers.py": {"accept_invitation", "_take_off", "put_back", "stop_copies", "_open"},
    "reminders/erasing.py": {"_delete_whole", "_delete_contact", "_let_go"},
    "reminders/policies.py": {"_apply"},
    "reminders/resending.py": {"resend"},
    "reminders/unreached.py": {"take_off_list", "trust_address"},
    # The trail itself, and a demo's, which goes with the demo.
    "ocrevus_tracker/audit/trail.py": {"erase"},
    "ocrevus_tracker/audit/guards.py": {"install", "uninstall", "_settle", "missing"},
    "ocrevus_tracker/audit/management/commands/audit_protect.py": {"Command.handle"},
    "schedules/demo/__init__.py": {"remove", "_forget_trail"},
    # Ways to sign in: each that comes or goes is an event at the door.
    "ocrevus_tracker/accounts/factors.py": {"offer_passkey", "remove_all"},
    # A mark for the planner; says nothing about anybody.
    "schedules/models/course.py": {"CourseQuerySet.mark_unplanned"},
    # What mail services report: what becomes of it for a person is an entry.
    "reminders/evidence.py": {
        *("take", "attach_early_events", "unreported", "_follow"),
        *("_note_dead_address", "_stop_mail"),
    },
    "reminders/restoring.py": {"_remember_lost_receipts", "_put_in_doubt", "_settle"},
    # Nobody's data: a member's wish for the morning's mail, the cache, the deployment, the pulse.
    "reminders/digests.py": {"choose_digest"},
    "ocrevus_tracker/json_cache.py": {"JsonCache.get_many", "JsonCache._execute"},
    "reminders/guards.py": {"may_send", "adopt", "release", "_adopt_on_first_start"},
    "reminders/models/evidence.py": {"Heartbeat.beat"},
}


def product() -> Iterator[tuple[str, ast.Module]]:
    for top in ("ocrevus_tracker", "schedules", "reminders"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not any(part in f"/{name}" for part in ASIDE):
                yield name, ast.parse(path.read_text())


def writes(node: ast.AST, place: str = "") -> Iterator[str]:
    """The functions, by dotted name, with a statement that writes past a model's `save`."""
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        inner = f"{place}.{child.name}".lstrip(".") if named else place
        if isinstance(child, ast.Call) and _writes(child):
            yield inner or "module"
        yield from writes(child, inner)


def _writes(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return False
    name = call.func.attr
    if name == "update":  # a dictionary's takes another dictionary; a queryset's takes names only
        return bool(call.keywords) and not call.args
    if name == "delete":
        return not call.args and not call.keywords
    return name in MANY_AT_ONCE | PAST_MODELS


def test_each_write_past_the_models_is_in_a_place_that_is_accounted_for():
    found = {name: set(writes(tree)) for name, tree in product()}
    assert {name: places for name, places in found.items() if places} == PLACES


@pytest.mark.parametrize(
    "statement",
    [
        "Patient.objects.filter(pk=1).update(email='')",
        "rows.update(**fields)",
        "course.infusions.all().delete()",
        "infusion.delete()",
        "Infusion.objects.bulk_update(rows, ['dose_mg'])",
        "Infusion.objects.bulk_create(rows)",
        "cursor.execute('UPDATE schedules_infusion SET dose_mg = 1')",
    ],
)
def test_such_a_write_is_seen(statement):
    assert list(writes(ast.parse(f"def slip():\n    {statement}"))) == ["slip"]


def test_a_dictionary_may_be_updated():
    assert list(writes(ast.parse("def fine():\n    facts.update(more)"))) == []


@pytest.mark.parametrize("name", ["views", "forms"])
def test_no_page_and_no_form_saves(name):
    """They call verbs."""
    for path, tree in product():
        if f"/{name}" in path or "_forms" in path:
            calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call)]
            saves = [one for one in calls if isinstance(one.func, ast.Attribute)]
            assert not [one for one in saves if one.func.attr in {"save", "create"}], path


class TestEachVerb:
    FUNCTIONS = {
        node.name: node
        for path in sorted((ROOT / "schedules/actions").glob("*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    QUESTIONS = {"decides_for", "foresee"}

    @pytest.mark.parametrize(
        "name",
        sorted(
            one
            for one in actions.__all__
            if one[0].islower() and one not in {"decides_for", "foresee"}
        ),
    )
    def test_adds_to_the_trail(self, name):
        assert self._reaches_trail(name, set())

    def test_that_only_asks_adds_nothing(self):
        assert not self._reaches_trail("decides_for", set())

    def _reaches_trail(self, name: str, seen: set[str]) -> bool:
        seen.add(name)
        for call in ast.walk(self.FUNCTIONS[name]):
            if not isinstance(call, ast.Call):
                continue
            if isinstance(call.func, ast.Attribute) and ast.unparse(call.func) == "trail.record":
                return True
            called = call.func.id if isinstance(call.func, ast.Name) else ""
            if called in self.FUNCTIONS.keys() - seen and self._reaches_trail(called, seen):
                return True
        return False


def acts() -> Iterator[tuple[str, str]]:
    """Each act that the product puts on the trail, as far as it is written out, and where."""
    adding = {"record", "on_trail", "_on_trail", "_keep", "_follow_up"}
    for path, tree in product():
        if not path.startswith(("schedules/actions", "reminders")) or "/views/" in path:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                name = node.func.id if isinstance(node.func, ast.Name) else name
                given = [one.value for one in node.keywords if one.arg == "act"]
                if name in adding:
                    given += node.args[:3]
                yield from ((path, one.value) for one in given if _is_words(one))
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "act":
                words = [one for one in ast.walk(node.value) if _is_words(one)]
                whole = not any(isinstance(one, ast.JoinedStr) for one in ast.walk(node.value))
                yield from ((path, one.value) for one in words if whole)


def _is_words(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_each_act_has_words_on_the_page():
    found = set(acts())
    assert len(found) >= 40
    assert {(path, act) for path, act in found if act not in ACTS} == set()
    assert trail.EXPORT in ACTS
