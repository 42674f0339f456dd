"""A day of mails through a real Postfix, which relays them to the mail server of these tests."""

import os
import pwd
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import services

from .conftest import scaled
from .score import Score

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = /etc/postfix
shlib_directory = no
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = relay.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
relayhost = [127.0.0.1]:{onward}
smtp_tls_security_level = none
smtp_destination_concurrency_limit = 20
"""
# As Debian's master.cf, with a port of its own and nothing in a chroot.
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
MESSAGE_ID = re.compile(r"message-id=<([^@>]+)@")


class Postfix:
    def __init__(self, folder: Path, *, onward: int) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = folder / "mail.log"
        values = {"folder": folder, "port": self.port, "onward": onward}
        (folder / "etc").mkdir()
        (folder / "etc" / "main.cf").write_text(MAIN.format(**values))
        (folder / "etc" / "master.cf").write_text(MASTER.format(**values))
        (folder / "queue").mkdir()
        (folder / "data").mkdir()
        shutil.chown(folder / "data", "postfix", "postfix")

    def control(self, command: str) -> None:
        done = subprocess.run(
            ["postfix", "-c", str(self.folder / "etc"), command], capture_output=True, check=False
        )
        words = (done.stdout + done.stderr).decode()
        log = self.log.read_text()[-2000:] if self.log.exists() else ""
        assert done.returncode == 0, words + log

    def marks(self) -> list[str]:
        """The left parts of the Message-IDs in its log, once for each mail that it took."""
        return MESSAGE_ID.findall(self.log.read_text())


@contextmanager
def postfix(*, onward: int) -> Iterator[Postfix]:
    if os.geteuid():
        pytest.skip("Postfix takes root")
    if not shutil.which("postfix"):
        services.apt_install("postfix")
    pwd.getpwnam("postfix")
    with services._folder() as folder:
        folder.chmod(0o755)
        made = Postfix(folder, onward=onward)
        made.control("start")
        try:
            yield made
        finally:
            made.control("stop")


def log_look_up(log: Path) -> str:
    """A command as an operator would write it: which Message-IDs does Postfix's log hold?"""
    program = (
        "import re,sys;"
        f"taken=set(re.findall(r'message-id=<([^@>]+)@', open({str(log)!r}).read()));"
        "[print(one) for one in map(str.strip, sys.stdin) if one in taken]"
    )
    return shlex.join([sys.executable, "-c", program])


def test_a_day_of_mails_with_kills_through_postfix(stage, crew, dice, figure):
    """0 lost and 0 twice, because Postfix's log is evidence."""
    count, kills = scaled(5_000), scaled(50)
    scene = stage(count)
    with postfix(onward=crew.port) as relay:
        (scene.folder / "proxy").write_text(str(relay.port))  # where workers send their mail
        scene.environment["REMINDER_RELAY_LOOKUP"] = log_look_up(relay.log)
        began = time.monotonic()
        hands = [scene.worker() for _one in range(2)]
        for number in range(1, kills + 1):
            enough = count * number // (kills + 2)
            scene.wait(lambda enough=enough: scene.accepted() >= enough, "the drain goes on")
            time.sleep(dice.uniform(0, 0.05))
            hands.pop(dice.randrange(2)).kill()
            hands.append(scene.worker())
        scene.wait(scene.all_settled, "all are settled", seconds=600)
        scene.wait(lambda: scene.accepted() >= count, "Postfix has passed all on", seconds=600)
        seconds = time.monotonic() - began
        taken = relay.marks()
    score = Score(scene.rows(), scene.mails())
    figure("Postfix", f"{score}, {kills} kills, {seconds:.0f} s; its log names {len(set(taken)):,}")
    score.sound()
    assert score.extra == 0
    assert len(taken) == len(set(taken)) == count
    assert scene.audit() == 0
