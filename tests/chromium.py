"""The Chromium that the browser tests drive."""

import os
import shutil
import subprocess
import sys

from tests.services import AS_ROOT, CannotHaveError, Service, apt_install


def chromium() -> Service:
    """A Chromium that starts; installs one (apt as root, else Playwright's) where there is none."""
    path = _find_chromium()
    if path is None and AS_ROOT and shutil.which("apt-get"):
        apt_install("chromium")
        path = _find_chromium()
    path = path or _playwright_chromium()
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    if version.returncode:
        raise CannotHaveError(
            f"{path} does not start; it may lack system libraries. "
            "Install Chromium from your system's packages (Debian: apt install chromium)."
        )
    return Service(f"{version.stdout.strip()}, {path}", path)


def _find_chromium() -> str | None:
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def _playwright_chromium() -> str:
    ask = (
        "from playwright.sync_api import sync_playwright as start\n"
        "with start() as playwright: print(playwright.chromium.executable_path)"
    )
    playwright = [sys.executable, "-m", "playwright", "install", "chromium"]
    installed = subprocess.run(playwright, capture_output=True, check=False)
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    if installed.returncode or not shutil.which(answer.stdout.strip()):
        raise CannotHaveError(
            "There is no Chromium here and none could be downloaded. Install it from your "
            "system's packages (Debian: apt install chromium) and run this again."
        )
    return answer.stdout.strip()
