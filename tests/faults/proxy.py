"""`python -m tests.faults.proxy FOLDER PORT`: stands between a client and PORT, and can spoil it.

FOLDER/proxy says where it is. FOLDER/weather is read again and again; it is one JSON object:
`delay` (seconds before each piece), `rate` (bytes a second, 0: as fast as it goes), `mute` (takes
everything, passes nothing on: a half-open connection), `reset` (cuts every connection, now and to
come).
"""

import asyncio
import json
import socket
import struct
import sys
from pathlib import Path

LINGER = struct.pack("ii", 1, 0)  # closing sends RST


class Proxy:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.weather = {"delay": 0.0, "rate": 0, "mute": False, "reset": False}
        self.open: set[asyncio.StreamWriter] = set()

    async def serve(self) -> None:
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        waiting = self.folder / "proxy.new"
        waiting.write_text(str(server.sockets[0].getsockname()[1]))
        waiting.rename(self.folder / "proxy")
        while True:
            if (file := self.folder / "weather").exists():
                self.weather |= json.loads(file.read_text())
            if self.weather["reset"]:
                self.cut()
            await asyncio.sleep(0.02)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.open |= {writer, far_writer}
        await asyncio.gather(self.pass_on(reader, far_writer), self.pass_on(far_reader, writer))

    async def pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while piece := await source.read(4096):
                rate = self.weather["rate"]
                await asyncio.sleep(self.weather["delay"] + (len(piece) / rate if rate else 0))
                if not self.weather["mute"]:
                    target.write(piece)
        except OSError:
            pass
        self.open.discard(target)
        target.close()

    def cut(self) -> None:
        for one in self.open:
            one.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            one.transport.abort()
        self.open.clear()


if __name__ == "__main__":
    asyncio.run(Proxy(Path(sys.argv[1]), int(sys.argv[2])).serve())
