"""A server that speaks like `kpid board`, with figures that a test sets: it serves the page, a snapshot, scripted deltas and lists.

    fake_board.py [PORT]     serves a lively desk, to look at the page by hand
"""
import csv
import datetime
import http.server
import io
import json
import os
import re
import sys
import threading
import time
import urllib.parse

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../daemon/board/page")
CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
       "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
TYPES = {".html": "text/html; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml"}
SHELLS = re.compile(r"/(clocks|breaches|tickets|agents|projects|teams|counted)?|/ticket/.+")
LISTS = ("clocks", "breaches", "agents", "projects", "teams")
PART = {"project": "project", "team": "team", "agent": "owner", "target": "target", "priority": "priority", "state": "state"}
CONFIG = {"time_zone": "Asia/Shanghai", "language": "en", "ticket_url": "https://desk.example/t/{id}", "ack": False,
          "version": "test", "instance": "kpid-1"}


def iso(seconds):
    """An instant as the server writes it."""
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(round(seconds * 1e6) / 1e6, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def empty_snapshot():
    return {"fresh": {"complete_until": None, "state": "ok", "stopped": 0, "lag_messages": 0, "lag_unknown": 0},
            "totals": {"open": 0, "at_risk": 0, "breached": 0, "paused": 0, "unconfirmed": 0},
            "compliance": [{"target": target, "hour": [0, 0], "today": [0, 0], "week_ago": [0, 0]}
                           for target in ("first_response", "next_response", "arrival", "resolution")],
            "day": {"step_s": 900, "from": iso(time.time() // 86400 * 86400), "compliance": [], "backlog": []},
            "n_agents": 0, "read": {"agents": None, "groups": None, "ledger": None}, **{name: [] for name in LISTS}}


class FakeBoard:
    """Thread-safe. With `ticking`, each second sends a delta that has only the time, as the server does."""

    def __init__(self):
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.stopping = False
        self.reset()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        for target in (self.server.serve_forever, self.tick):
            threading.Thread(target=target, daemon=True).start()

    def reset(self, **snapshot):
        """Begins again as another server process, with these figures."""
        with self.lock:
            self.boot = f"{time.monotonic_ns():x}"
            self.seq = 1
            self.ring = []
            self.snapshot = {**empty_snapshot(), **snapshot}
            self.lists = {}      # name → rows, where they are more than in the snapshot
            self.tickets = {}
            self.config = dict(CONFIG)
            self.skew = 0.0      # of the server's clock, seconds
            self.away = 0.0      # seconds since the database was read
            self.ticking = True
            self.refused = {}    # path → how many requests to refuse
            self.down = False    # refuses connections to /events
            self.streams = 0
            self.cuts = getattr(self, "cuts", 0) + 1
            self.acks = []       # bodies of POST /api/ack, with the token
            self.requests = []   # (path, headers)
            self.changed.notify_all()

    def close(self):
        with self.lock:
            self.stopping = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()

    def now(self):
        return time.time() + self.skew

    def whole(self):
        whole = {**self.snapshot, "boot": self.boot, "seq": self.seq, "now": iso(self.now()), "as_of": iso(self.now() - self.away)}
        if whole["fresh"]:
            whole["fresh"] = {**whole["fresh"], "complete_until": whole["fresh"]["complete_until"] or iso(self.now() - 1)}
        return whole

    def send(self, **changes):
        """One delta. A list is changed by {"set": rows, "del": keys, "order": keys}."""
        with self.lock:
            for name, change in changes.items():
                if name in LISTS:
                    self.snapshot[name] = changed(self.snapshot[name], change)
                else:
                    self.snapshot[name] = change
            self.seq += 1
            self.ring.append({"seq": self.seq, "now": iso(self.now()), "as_of": iso(self.now() - self.away), **changes})
            self.ring = self.ring[-120:]
            self.changed.notify_all()

    def tick(self):
        while not self.stopping:
            time.sleep(1 - time.time() % 1)
            if self.ticking:
                self.send()

    def cut(self):
        """Breaks all streams; the page may connect again."""
        with self.lock:
            self.cuts += 1
            self.changed.notify_all()

    def asked(self, path):
        """The headers of the requests of a path, in order."""
        with self.lock:
            return [headers for asked, headers in self.requests if asked.partition("?")[0] == path]

    def missing(self, last_id):
        """The deltas after an event's id; None: a snapshot is needed."""
        boot, _, seq = (last_id or "").rpartition("-")
        if boot != self.boot or not seq.isdigit() or int(seq) > self.seq:
            return None
        after = [delta for delta in self.ring if delta["seq"] > int(seq)]
        return after if len(after) == self.seq - int(seq) else None

    # -- lists -----------------------------------------------------------------------------------------------------------

    def rows(self, name, query):
        rows = self.lists.get(name, self.snapshot.get(name, []))
        filters = {part: query[part][0] for part in (*PART, "q") if part in query}
        return [row for row in rows if all(fits(row, part, wanted, name) for part, wanted in filters.items())]

    def answer(self, name, query):
        rows = self.rows(name, query)
        sort = query.get("sort", [""])[0]
        if sort:
            rows = sorted(rows, key=lambda row: row.get(sort.lstrip("-")) or 0, reverse=sort.startswith("-"))
        first, limit = int(query.get("after", ["0"])[0]), min(200, int(query.get("limit", ["200"])[0]))
        return {"now": iso(self.now()), "rows": rows[first:first + limit], "total": None if first or len(rows) > 100000 else len(rows),
                "next": str(first + limit) if first + limit < len(rows) else None}

    def as_csv(self, name, query):
        rows = self.rows(name, query)
        text = io.StringIO("")
        writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else ["key"])
        writer.writeheader()
        writer.writerows(rows)
        return "\ufeff" + text.getvalue()


def changed(rows, change):
    by_key = {row["key"]: row for row in rows}
    for key in change.get("del", []):
        by_key.pop(key, None)
    for row in change.get("set", []):
        by_key[row["key"]] = row
    order = change.get("order")
    return [by_key[key] for key in order if key in by_key] if order else list(by_key.values())


def fits(row, part, wanted, name):
    if part == "q":
        return wanted.lower() in json.dumps(row, ensure_ascii=False).lower()
    column = PART[part]
    if name in ("agents", "projects", "teams"):
        return part != name[:-1] or row["key"] == wanted
    return column not in row or (row[column] or "") == wanted


def handler_of(board):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def head(self, status, kind, length=None, **more):
            self.send_response(status)
            headers = {"Content-Type": kind, "Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff",
                       "Referrer-Policy": "same-origin", "Cache-Control": "no-cache", **more}
            headers["Connection" if length is None else "Content-Length"] = "close" if length is None else str(length)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.close_connection = length is None

        def body(self, status, kind, text, **more):
            data = text if isinstance(text, bytes) else text.encode()
            self.head(status, kind, len(data), **more)
            self.wfile.write(data)

        def json(self, value, status=200):
            self.body(status, "application/json", json.dumps(value, ensure_ascii=False))

        def do_GET(self):
            url = urllib.parse.urlsplit(self.path)
            query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
            with board.lock:
                board.requests.append((self.path, dict(self.headers)))
            try:
                self.route(url.path, query)
            except (BrokenPipeError, ConnectionResetError):
                pass

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            board.acks.append((body, self.headers.get("X-Kpid-Csrf")))
            if body["why"] == "fail":
                self.json({"error": "it is resolved by now"}, 409)
                return
            with board.lock:
                row = next(row for row in board.snapshot["breaches"] if row["key"] == body["alert_id"])
                board.send(breaches={"set": [{**row, "acked": not body["undo"], "state": "breached" if body["undo"] else "acknowledged"}]})
            self.json({})

        def route(self, path, query):
            if board.refused.get(path, 0) > 0:
                board.refused[path] -= 1
                self.body(429, "text/plain", "too many connections")
            elif path == "/events":
                self.events()
            elif path.startswith("/assets/"):
                self.asset(os.path.basename(path))
            elif path == "/api/config":
                self.json(board.config)
            elif path == "/api/now":
                with board.lock:
                    self.json(board.whole())
            elif path.startswith("/api/ticket/"):
                ticket = board.tickets.get(urllib.parse.unquote(path.removeprefix("/api/ticket/")))
                self.json({"now": iso(board.now()), "explanation": ticket} if ticket else {"error": "no such ticket"}, 200 if ticket else 404)
            elif path.startswith("/api/") and path.endswith((".csv", ".json")):
                name, _, kind = path.removeprefix("/api/").rpartition(".")
                rows = board.rows(name, query)
                self.body(200, "text/csv; charset=utf-8" if kind == "csv" else "application/json",
                          board.as_csv(name, query) if kind == "csv" else json.dumps(rows, ensure_ascii=False))
            elif path.startswith("/api/"):
                with board.lock:
                    self.json(board.answer(path.removeprefix("/api/"), query))
            elif SHELLS.fullmatch(path):
                self.asset("index.html")
            else:
                self.json({"error": "no such page"}, 404)

        def asset(self, name):
            try:
                with open(os.path.join(PAGE, name), "rb") as file:
                    # Kept by the browser, so that a test loads the page quickly.
                    self.body(200, TYPES[os.path.splitext(name)[1]], file.read(), **{"Cache-Control": "max-age=600"} if name != "index.html" else {})
            except (OSError, KeyError):
                self.json({"error": "no such file"}, 404)

        def event(self, kind, data):
            self.wfile.write(f"id: {board.boot}-{data['seq']}\nevent: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode())
            self.wfile.flush()

        def events(self):
            if board.down:
                self.body(503, "text/plain", "down")
                return
            self.head(200, "text/event-stream")
            with board.lock:
                board.streams += 1
                cuts, deltas = board.cuts, board.missing(self.headers.get("Last-Event-ID"))
                first = board.whole() if deltas is None else None
                at = first["seq"] if first else board.seq
            try:
                if first:
                    self.event("snapshot", first)
                for delta in deltas or []:
                    self.event("delta", delta)
                self.follow(at, cuts)
            finally:
                with board.lock:
                    board.streams = max(0, board.streams - 1)

        def follow(self, at, cuts):
            while True:
                with board.lock:
                    board.changed.wait_for(lambda: board.seq > at or board.cuts != cuts or board.stopping, timeout=60)
                    if board.cuts != cuts or board.stopping:
                        return
                    deltas = [delta for delta in board.ring if delta["seq"] > at]
                for delta in deltas:
                    self.event("delta", delta)
                    at = delta["seq"]

    return Handler


if __name__ == "__main__":
    import desk  # pylint: disable=import-outside-toplevel
    live = FakeBoard()
    desk.fill(live)
    print(live.url, flush=True)
    while True:
        time.sleep(1)
        if "still" not in sys.argv:
            desk.work(live)
