"""`python -m tests.faults.hands`: has the product imported, and forks its commands on demand.

A Python with Django takes a second to start, a fork a few milliseconds; what runs is the same:
`manage.py ARGUMENTS`, in a session of its own. Each line on stdin is a request in JSON, each line
on stdout its answer: {"argv": […], "environment": {…}, "log": file} → the process id;
{"wait": pid} → its exit code, negative for a signal, or null while it runs.

The environment of a command counts as it does for a fresh process: the settings are read anew.
"""

import gc
import importlib
import json
import os
import signal
import sys
import traceback
from typing import Any

import django
from django.conf import Settings, settings
from django.core.management import call_command, execute_from_command_line
from django.db import connections
from django.template import engines

from ocrevus_tracker.management.processes import end_with_parent


def get_ready() -> None:
    django.setup()
    from reminders import outbox  # noqa: F401, PLC0415 - not before the settings are there

    call_command("check", stdout=sys.stderr)
    engines.all()
    connections.close_all()
    gc.freeze()


def serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        answer = _code(request["wait"]) if "wait" in request else _fork(request)
        print(json.dumps(answer), flush=True)


def _fork(request: dict[str, Any]) -> int:
    if pid := os.fork():
        return pid
    code = 1
    try:
        os.setsid()
        end_with_parent(signal.SIGKILL)
        os.environ.update(request["environment"])
        _read_settings_anew()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        execute_from_command_line(["manage.py", *request["argv"]])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else bool(end.code)
    except BaseException:  # noqa: BLE001 - whatever it is, this process ends here
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _read_settings_anew() -> None:
    importlib.reload(importlib.import_module("ocrevus_tracker.settings"))
    if os.environ["DJANGO_SETTINGS_MODULE"] != "ocrevus_tracker.settings":
        importlib.reload(importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"]))
    settings._wrapped = Settings(os.environ["DJANGO_SETTINGS_MODULE"])
    for name in [name for name in vars(settings) if name.isupper()]:
        del vars(settings)[name]  # remembered answers
    connections.settings = connections.configure_settings(None)
    del connections["default"]


def _code(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


if __name__ == "__main__":
    get_ready()
    print(json.dumps("ready"), flush=True)
    serve()
