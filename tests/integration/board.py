"""kpid board under test: a process, raw requests, and streams."""
import contextlib
import json
import os
import socket
import time

from daemon import PATIENCE, Process, Site, wait_until
from servers import Ports

HOST = "Host: localhost\r\n"


class Answer:
    """An answer as bytes: status, headers (lower case), body."""

    def __init__(self, data):
        self.data = data
        head, _, self.body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.status = int(first.split(" ")[1]) if first else 0
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}

    def json(self):
        return json.loads(self.body)

    def unchunked(self):
        """The body of an answer in chunks; fails if the last chunk is missing."""
        rest, parts = self.body, []
        while True:
            size, _, rest = rest.partition(b"\r\n")
            n = int(size, 16)
            if n == 0:
                assert rest == b"\r\n"
                return b"".join(parts)
            parts.append(rest[:n])
            rest = rest[n + 2:]


class Stream:
    """Server-sent events from /events."""

    def __init__(self, board, last_event_id=None, source=None):
        self.socket = board.connect(source)
        header = f"Last-Event-ID: {last_event_id}\r\n" if last_event_id else ""
        self.socket.sendall(f"GET /events HTTP/1.1\r\n{HOST}{header}\r\n".encode())
        self.rest = b""
        self.head = self._until(b"\r\n\r\n").decode()

    def _until(self, mark):
        while mark not in self.rest:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self.rest[-200:])
            self.rest += data
        part, _, self.rest = self.rest.partition(mark)
        return part

    def next(self):
        """The next event: (id, kind, data)."""
        while True:
            fields = dict(line.split(": ", 1) for line in self._until(b"\n\n").decode().split("\n"))
            if "data" in fields:
                return fields["id"], fields["event"], json.loads(fields["data"])

    def until(self, condition, timeout=PATIENCE):
        """Reads events until condition(kind, data) is true, and returns what it returned."""
        end = time.monotonic() + timeout
        while True:
            _, kind, data = self.next()
            if found := condition(kind, data):
                return found
            assert time.monotonic() < end, data

    def close(self):
        self.socket.close()


class Board:
    """A database with its board. No daemon runs unless a test starts one."""

    def __init__(self, pg, kafka, binary, database, folder, stream=None, policy=None):
        self.site = Site(pg, kafka, binary, database, folder, stream, policy)
        self.pg, self.binary, self.folder = pg, binary, str(folder)
        self.ports = Ports()
        self.port = self.ports.reserve()
        self.path = None
        self.process = None
        self.sockets = []
        if pg.psql("SELECT 1 FROM pg_roles WHERE rolname = 'board'") != "1":
            pg.psql("CREATE ROLE board LOGIN IN ROLE kpid_board")

    def command(self, **settings):
        sets = {"postgres.host": "127.0.0.1", "postgres.port": self.pg.port, "postgres.dbname": self.site.database,
                "postgres.user": "board", "board.listen": f"127.0.0.1:{self.port}"}
        sets.update({key.replace("_", ".", 1): value for key, value in settings.items()})
        return [self.binary, "board", *(part for key, value in sets.items() for part in ("--set", f"{key}={value}"))]

    def start(self, **settings):
        if self.process:
            self.site.ended.append(self.process)
        self.process = Process(self.command(**settings), os.path.join(self.folder, "board.log"), "board",
                               {"KPID_CONFIG": "/dev/null"})
        self.site.daemons["board"] = self.process
        listen = settings.get("board_listen", "")
        self.path = listen if listen.startswith("/") else None

        def answers():
            assert self.process.running(), self.process.log()
            with contextlib.suppress(OSError):
                return self.get("/livez", host=settings.get("board_allow_hosts", "localhost").split(",")[0]).status == 200
        wait_until(answers, lambda: "the board to answer:\n" + self.process.log())
        return self

    def connect(self, source=None):
        if self.path:
            made = socket.socket(socket.AF_UNIX)
            made.settimeout(PATIENCE)
            made.connect(self.path)
        else:
            made = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE,
                                            source_address=(source, 0) if source else None)
        self.sockets.append(made)
        return made

    def raw(self, data, source=None):
        """Sends bytes; returns the whole answer."""
        with self.connect(source) as made:
            made.sendall(data)
            parts = []
            with contextlib.suppress(ConnectionResetError):
                while part := made.recv(65536):
                    parts.append(part)
        return Answer(b"".join(parts))

    def get(self, target, method="GET", host="localhost", headers="", source=None):
        return self.raw(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode(), source)

    def json(self, target):
        answer = self.get(target)
        assert answer.status == 200, answer.data
        return answer.json()

    def wait_read(self, minimum=1):
        """Waits until every part has been read at least once."""
        wait_until(lambda: (now := self.json("/api/now"))["totals"] and now["n_agents"] is not None
                   and now["seq"] >= minimum and now, lambda: self.process.log())

    def memory_mib(self):
        return self.process.note_peak() / 1024

    def close(self):
        for made in self.sockets:
            made.close()
        faults = self.site.close()
        self.ports.release()
        return faults
