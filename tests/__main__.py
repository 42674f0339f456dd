"""`python -m tests`: every check, then the suite on SQLite and on PostgreSQL. See `make test`.

Arguments go to pytest; `--only-checks` leaves the suite out. All steps run even when one
fails, and the last line says what failed. A server that cannot be had fails the run.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.chromium import chromium
from tests.services import CannotHaveError, broker, postgresql

ROOT = Path(__file__).resolve().parent.parent
# What a developer has set for the product itself must not change what the tests see.
OURS = (
    *("AUDIT_ANCHOR", "AUDIT_KEYS"),
    *("ALLOWED_HOSTS", "ANYMAIL_MAILGUN_WEBHOOK_SIGNING_KEY", "ANYMAIL_WEBHOOK_SECRET"),
    *("EMAIL_BACKEND", "REMINDER_BOUNCE_ADDRESS", "REMINDER_RELAY_LOOKUP", "REMINDER_WEBHOOK_KEY"),
    *("REMINDER_CONNECTIONS", "REMINDER_GROUP", "REMINDER_STALE_SECONDS"),
    *("BEHIND_PROXY", "DATABASE_URL", "DEBUG", "DEFAULT_FROM_EMAIL"),
    *("DEPLOYMENT_ID", "DJANGO_SETTINGS_MODULE", "EMAIL_URL", "LOG_LEVEL", "PYTEST_ADDOPTS"),
    *("REDIS_URL", "REMINDER_GRACE_SECONDS", "REMINDER_JOURNAL", "REMINDER_LEASE_SECONDS"),
    *("REMINDER_POLL_SECONDS", "SECRET_KEY", "SECURE_SSL_REDIRECT", "SITE_NAME", "SITE_URL"),
    *("DJANGO_ADMIN", "SECRET_KEY_FALLBACKS"),
)
# Run once, with SQLite: the engine and the rules know no database, a page's look does not hang on
# one, and tests/machine and the benchmarks bring databases of their own, the same ones either way.
NO_DATABASE_OF_OURS = (
    "tests/engine",
    "tests/machine",
    "tests/browser/test_clinic.py",
    "tests/browser/test_mail_pages.py",
    "tests/browser/test_mail_policy.py",
    "tests/browser/test_packet.py",
    "tests/browser/test_pages_axe.py",
    "tests/browser/test_screening.py",
    "tests/browser/test_style.py",
    "tests/faults/test_sink.py",
    "tests/reminders/test_rules.py",
    "tests/schedules/test_forecast_command.py",
    "tests/test_benchmarks.py",
)
PRODUCTION = {
    "ALLOWED_HOSTS": "clinic.example.org",
    "DATABASE_URL": "postgresql://tracker:password@db.test/tracker",
    "DEPLOYMENT_ID": "clinic.example.org",
    "EMAIL_URL": "smtp://mail.test:25",
    "REDIS_URL": "redis://broker.test:6379/0",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "SITE_URL": "https://clinic.example.org",
}


@dataclass
class Step:
    name: str
    arguments: list[str]  # for this Python
    environment: dict[str, str] = field(default_factory=dict)
    live: bool = False  # shows what it says as it goes, not only when it fails
    may_be_empty: bool = False  # pytest's word for "your arguments match no test" is 5
    seconds: float = 0
    passed: bool = False

    def run(self) -> None:
        print(f"── {self.name} ".ljust(78, "─"), flush=True)
        began = time.monotonic()
        environment = {k: v for k, v in os.environ.items() if k not in OURS} | self.environment
        with tempfile.TemporaryFile() as words:
            self.passed = self._ends_well(environment, None if self.live else words.fileno())
            self.seconds = time.monotonic() - began
            if not self.passed:
                words.seek(0)
                print(words.read().decode(errors="replace"), flush=True)
        print(f"{'ok' if self.passed else 'FAILED'} in {self.seconds:.1f} s", flush=True)

    def _ends_well(self, environment: dict[str, str], output: int | None) -> bool:
        process = subprocess.Popen(
            [sys.executable, *self.arguments],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,  # so that one signal reaches all that it starts
        )
        try:
            return process.wait() in ((0, 5) if self.may_be_empty else (0,))
        finally:
            _stop_group(process)


def _stop_group(process: "subprocess.Popen[bytes]") -> None:
    """Ends a step that was interrupted: pytest's own teardown first, then without asking."""
    for signum in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, signum)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            continue


def checks() -> Iterator[Step]:
    lint_imports = "from importlinter.cli import lint_imports_command as lint; lint()"
    manage = str(ROOT / "manage.py")
    yield Step("ruff check", ["-m", "ruff", "check", "."])
    yield Step("ruff format", ["-m", "ruff", "format", "--check", "."])
    yield Step("mypy", ["-m", "mypy"])
    yield Step("import contracts", ["-c", lint_imports])
    yield Step("migrations are complete", [manage, "makemigrations", "--check", "--dry-run"])
    yield Step(
        "check --deploy", [manage, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION
    )


def suites(servers: ExitStack, arguments: list[str]) -> Iterator[Step]:
    """The suite on both databases; the servers stop when `servers` is closed."""
    browser = chromium()
    database = servers.enter_context(postgresql())
    queue = servers.enter_context(broker())
    print("The tests use:", *(s.name for s in (browser, database, queue)), sep="\n  ", flush=True)
    common = {"CHROMIUM": browser.url, "REDIS_URL": queue.url}
    workers = ["-m", "pytest", "-n", "2", "--dist", "loadfile"]
    once = [f"--ignore={path}" for path in NO_DATABASE_OF_OURS]
    yield Step("suite on SQLite", [*workers, *arguments], common, live=True)
    yield Step(
        "suite on PostgreSQL",
        [*workers, *once, *arguments],
        common | {"DATABASE_URL": database.url},
        live=True,
        may_be_empty=bool(arguments),
    )


def main(arguments: list[str]) -> int:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _interrupt)
    done: list[Step] = []
    trouble = ""
    try:
        with ExitStack() as servers:
            steps = [*checks()]
            if "--only-checks" not in arguments:
                steps += suites(servers, arguments)
            for step in steps:
                done.append(step)
                step.run()
    except CannotHaveError as error:
        trouble = str(error)
    except KeyboardInterrupt:
        trouble = "Interrupted."
    return _conclude(done, trouble)


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _conclude(done: list[Step], trouble: str) -> int:
    failed = [step.name for step in done if not step.passed]
    print("═" * 78)
    for step in done:
        print(f"{'ok    ' if step.passed else 'FAILED'} {step.seconds:6.1f} s  {step.name}")
    if trouble:
        print(f"FAILED: {trouble}")
    elif failed:
        print(f"FAILED: {', '.join(failed)}")
    else:
        print(f"Everything passed: {len(done)} steps, {sum(s.seconds for s in done):.0f} s.")
    return 1 if trouble or failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
