"""The clinic's desk: the web server as it runs for real, and a nurse who records infusions."""

import http.client
import socket
import sys
import threading
import time
import uuid
from urllib.parse import urlencode

from django.conf import settings

from .people import Nurse
from .stage import Stage

TOKEN = "a" * 32
FACTS = {
    "csrfmiddlewaretoken": TOKEN,
    "given_on_choice": "today",
    "dose_mg_choice": "300",
    "outcome": "completed",
    "reaction": "",
    "checked": "on",
    # These people have no results on file, and a nurse has to say why it was right.
    "answered": "1",
    "why": "chart",
}


class Desk:
    """Infusions of today, entered by a nurse who is signed in."""

    def __init__(self, scene: Stage, nurse: Nurse) -> None:
        self.cookies = f"{settings.SESSION_COOKIE_NAME}={nurse.session}; csrftoken={TOKEN}"
        self.facts = FACTS | {"opened_on": nurse.today.isoformat()}
        # When a page said "saved", by patient; a Unix time just after the commit.
        self.saved: dict[int, float] = {}
        self.statuses: list[int] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        address = f"127.0.0.1:{self.port}"
        serve = ["gunicorn", "ocrevus_tracker.wsgi", "--bind", address, "--threads", "2"]
        quiet = ["--no-control-socket", "--log-level", "warning"]
        scene.start([sys.executable, "-m", *serve, *quiet])
        scene.wait(lambda: self._status("GET", "/healthz") == 200, "the web server")

    def record(self, patient: int) -> None:
        """One infusion given today, asked for once more under the same key when no answer came."""
        answers = self.facts | {"entry_key": str(uuid.uuid4())}
        for _again in range(200):
            status = self._status("POST", f"/staff/patients/{patient}/record/", answers)
            self.statuses.append(status)
            if status == 302:
                self.saved[patient] = time.time()
                return
            if status not in {0, 500, 503}:
                return  # refused; `statuses` tells
            time.sleep(0.05)

    def record_all(self, patients: list[int], *, stop: threading.Event) -> None:
        for patient in patients:
            if stop.is_set():
                return
            self.record(patient)

    def _status(self, method: str, path: str, answers: dict[str, str] | None = None) -> int:
        """0 when there was no answer."""
        headers = {"Cookie": self.cookies, "Content-Type": "application/x-www-form-urlencoded"}
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request(method, path, urlencode(answers or {}), headers)
            answer = line.getresponse()
        except (OSError, http.client.HTTPException):
            return 0
        else:
            assert "sign-in" not in answer.headers.get("Location", "")
            return answer.status
        finally:
            line.close()
