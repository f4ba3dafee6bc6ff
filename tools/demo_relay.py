#!/usr/bin/env python3
"""Small TCP relays that stand for the lines between offices: they count bytes and can be cut.

Started by tools/demo with --control SOCKET and links NAME=PORT, PORT being where the parent office
listens. Prints one JSON line {NAME: port to dial}. Talk to a running one with
  tools/demo_relay.py --control SOCKET cut NAME… | join NAME… | bytes
"""
import asyncio
import json
import os
import socket
import sys


class Line:
    """One line: while it is up, each connection is carried on to the parent office."""

    def __init__(self, name, target):
        self.name, self.target = name, target
        self.up, self.bytes_up, self.bytes_down, self.connections = True, 0, 0, 0
        self.writers = set()

    async def carry(self, reader, writer, count):
        try:
            while data := await reader.read(65536):
                count(len(data))
                writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def count_up(self, size):
        self.bytes_up += size

    def count_down(self, size):
        self.bytes_down += size

    async def accept(self, reader, writer):
        if not self.up:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self.connections += 1
        pair = {writer, far_writer}
        self.writers |= pair
        await asyncio.gather(self.carry(reader, far_writer, self.count_up),
                             self.carry(far_reader, writer, self.count_down))
        self.writers -= pair

    def cut(self):
        self.up = False
        for writer in list(self.writers):
            writer.transport.abort()

    def join(self):
        self.up = True

    def report(self):
        return {"up": self.up, "bytes_up": self.bytes_up, "bytes_down": self.bytes_down,
                "connections": self.connections}


def answer(lines, words):
    """What a command gives, as a JSON value."""
    if words == ["bytes"]:
        return {name: line.report() for name, line in lines.items()}
    if len(words) > 1 and words[0] in ("cut", "join") and all(w in lines for w in words[1:]):
        for name in words[1:]:
            lines[name].cut() if words[0] == "cut" else lines[name].join()
        return {name: lines[name].report() for name in words[1:]}
    return {"error": "say: cut NAME…, join NAME… or bytes"}


async def serve(control, links):
    lines = {name: Line(name, port) for name, port in links}
    ports, servers = {}, []
    for name, line in lines.items():
        server = await asyncio.start_server(line.accept, "127.0.0.1", 0)
        ports[name] = server.sockets[0].getsockname()[1]
        servers.append(server)

    async def command(reader, writer):
        words = (await reader.readline()).decode().split()
        writer.write(json.dumps(answer(lines, words)).encode() + b"\n")
        await writer.drain()
        writer.close()

    servers.append(await asyncio.start_unix_server(command, control))
    print(json.dumps(ports), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


def ask(control, words):
    """Sends a command to a running relay; its answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.connect(control)
        stream.sendall((" ".join(words) + "\n").encode())
        with stream.makefile(encoding="utf-8") as lines:
            return json.loads(lines.readline())


def main():
    if len(sys.argv) < 4 or sys.argv[1] != "--control":
        print(__doc__, file=sys.stderr)
        return 2
    control, words = sys.argv[2], sys.argv[3:]
    if "=" not in words[0]:
        print(json.dumps(ask(control, words), indent=1))
        return 0
    links = [(word.split("=")[0], int(word.split("=")[1])) for word in words]
    if os.path.exists(control):
        os.unlink(control)
    try:
        asyncio.run(serve(control, links))
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
