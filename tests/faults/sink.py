"""`python -m tests.faults.sink FOLDER`: a mail server in a process of its own.

It writes one line for each mail into FOLDER/accepted and waits until that is on disk before it
says 250, so what it has said yes to is on record whoever dies when. FOLDER/port says where it is.
"""

import asyncio
import json
import os
import sys
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class Keeper:
    def __init__(self, file: Path) -> None:
        self.descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content)
        line = json.dumps({"id": mail["Message-ID"], "to": envelope.rcpt_tos})
        os.write(self.descriptor, line.encode() + b"\n")
        os.fsync(self.descriptor)
        return "250 OK"


async def serve(folder: Path) -> None:
    keeper = Keeper(folder / "accepted")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(keeper, hostname="sink.test"), "127.0.0.1", 0)
    waiting = folder / "port.new"
    waiting.write_text(str(server.sockets[0].getsockname()[1]))
    waiting.rename(folder / "port")
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
