"""kpid board: its guards on raw sockets, streams, lists, and what happens while the database is away."""
import csv
import datetime
import io
import json
import os
import re
import socket
import subprocess
import time

import pytest

from board import HOST, Board, Stream
from daemon import ROOT, event, is_instrumented, now, policy, wait_until

GET = b"GET / HTTP/1.1\r\n"
EVIL = "=cmd|' /C calc'!A0"


@pytest.fixture
def make_board(request, pg, binary, template, tmp_path):
    """make_board(): a database of its own with a board that is not started."""
    made = []

    def make(policy=None, stream=None, kafka=None):
        name = f"board_{os.getpid()}_{len(made)}_{abs(hash(request.node.name)) % 10**8}"
        pg.create_database(name, template)
        pg.psql(f'REVOKE TEMPORARY ON DATABASE "{name}" FROM PUBLIC')  # as kpid migrate does; a copy has its own rights
        made.append(Board(pg, kafka, binary, name, tmp_path / name, stream, policy))
        request.node.sites = [board.site for board in made]
        return made[-1]
    yield make
    faults = []
    for board in made:
        faults += board.close()
        if pg.running():
            pg.drop_database(board.site.database)
    assert not faults, faults


@pytest.fixture
def board(make_board):
    return make_board().start()


def ingest(board, *events):
    path = os.path.join(board.folder, f"events{time.monotonic_ns()}.ndjson")
    with open(path, "wb") as file:
        file.writelines(value + b"\n" for value in events)
    board.site.command("ingest", path)


@pytest.fixture
def desk(make_board):
    """A board over a few tickets: one long breached, one running, one paused, one resolved."""
    board = make_board(policy(first_response="1h", resolution="8h", pause_on=["parts"]))
    ago = [now() - datetime.timedelta(hours=hours) for hours in range(4)]
    ingest(board,
           event("ticket.opened", "T1", ago[3], agent_id="ann", project_id="east", team_id="lifts", priority="1",
                 category="lift"),
           event("ticket.opened", "T2", ago[0], agent_id="bob", project_id="west", category=EVIL),
           event("ticket.opened", "T3", ago[2], agent_id="ann", project_id="east"),
           event("ticket.responded", "T3", ago[2]), event("ticket.paused", "T3", ago[1], reason="parts"),
           event("ticket.opened", "T/4 ü", ago[2], agent_id="cem"), event("ticket.responded", "T/4 ü", ago[2]),
           event("ticket.resolved", "T/4 ü", ago[0], agent_id="cem"))
    board.start()
    board.wait_read(3)
    return board


# -- guards ----------------------------------------------------------------------------------------------------------

REFUSED = {
    "another method": (b"DELETE / HTTP/1.1\r\n" + HOST.encode() + b"\r\n", 405),
    "a post": (b"POST / HTTP/1.1\r\n" + HOST.encode() + b"Content-Length: 0\r\n\r\n", 405),
    "a foreign host": (GET + b"Host: evil.example\r\n\r\n", 421),
    "no host": (GET + b"\r\n", 400),
    "two hosts": (GET + HOST.encode() * 2 + b"\r\n", 400),
    "a duplicate header": (GET + HOST.encode() + b"X-A: 1\r\nx-a: 2\r\n\r\n", 400),
    "a header with a NUL": (GET + HOST.encode() + b"X-A: 1\x002\r\n\r\n", 400),
    "a NUL in the path": (b"GET /a\x00b HTTP/1.1\r\n" + HOST.encode() + b"\r\n", 400),
    "an absolute URI": (b"GET http://localhost/ HTTP/1.1\r\n" + HOST.encode() + b"\r\n", 400),
    "a body": (GET + HOST.encode() + b"Content-Length: 1\r\n\r\nx", 413),
    "a chunked body": (GET + HOST.encode() + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413),
    "headers beyond 8 KiB": (GET + HOST.encode() + b"X-A: " + b"a" * 8192 + b"\r\n\r\n", 431),
    "an endless line": (b"GET /" + b"a" * 9000, 431),
    "folded headers": (GET + HOST.encode() + b"X-A: 1\r\n b\r\n\r\n", 400),
    "another version": (b"GET / HTTP/3.0\r\n" + HOST.encode() + b"\r\n", 505),
    "an unknown path": (b"GET /nothing HTTP/1.1\r\n" + HOST.encode() + b"\r\n", 404),
    "an unknown asset": (b"GET /assets/../kpid.ini HTTP/1.1\r\n" + HOST.encode() + b"\r\n", 404),
    "a malformed parameter": (b"GET /api/clocks?project=%zz HTTP/1.1\r\n" + HOST.encode() + b"\r\n", 400),
}


def test_refused_requests(board):
    """Each guard by its name; the answer names no file and no database, and the connection is closed."""
    wrong = {}
    for name, (data, status) in REFUSED.items():
        answer = board.raw(data)
        if answer.status != status or answer.headers["connection"] != "close" or set(answer.json()) != {"error"}:
            wrong[name] = answer.data
    assert not wrong


def test_every_answer_has_the_headers_that_keep_it_safe(board):
    for target in ("/", "/assets/nothing", "/api/now", "/events"):
        if target == "/events":
            headers = Stream(board).head
        else:
            headers = board.get(target).data.partition(b"\r\n\r\n")[0].decode()
        assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" in headers
        assert "unsafe" not in headers and "X-Content-Type-Options: nosniff" in headers
        assert "frame-ancestors 'none'" in headers
        assert ("Connection: close" in headers) == (target != "/events")


def test_pages_and_assets(board):
    pages = {board.get(path).body for path in ("/", "/clocks", "/breaches?project=a", "/agents", "/projects", "/teams",
                                               "/tickets", "/ticket/T%2F1", "/?tv=1&lang=zh")}
    assert len(pages) == 1
    page, = pages
    assert not re.search(rb"<script(?![^>]* src=)|<style| style=| on[a-z]+=|https?://(?!www\.w3\.org)", page)
    names = re.findall(rb'(?:src|href)="(/assets/[^"]+)"', page)
    assert names
    for name in names:
        answer = board.get(name.decode())
        assert answer.status == 200 and answer.headers["cache-control"] == "no-cache", name
        again = board.get(name.decode(), headers=f"If-None-Match: {answer.headers['etag']}\r\n")
        assert (again.status, again.body) == (304, b"")
        head = board.get(name.decode(), method="HEAD")
        assert (head.status, head.body) == (200, b"") and head.headers == answer.headers


def test_a_slow_request_is_closed_after_5_s(board):
    began = time.monotonic()
    with board.connect() as slow:
        for _ in range(100):
            try:
                slow.sendall(b"G")
            except OSError:
                break
            time.sleep(0.1)
    assert 4 < time.monotonic() - began < 8


def test_an_answer_that_nobody_takes_is_closed_after_10_s(make_board):
    board = make_board()
    board.site.rows("""INSERT INTO kpid.alert (alert_id, ticket_id, target, n, revision, state, level, due_at, breached_at, cause,
        policy, detected_at, unconfirmed, delivery)
        SELECT i::text, repeat('t', 200), 'arrival', i, 1, 'breached', 0, now(), now(), 'deadline', 'p', now(), false, 'off'
        FROM generate_series(1, 50000) i""")
    board.start()
    board.wait_read()
    with board.connect() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.sendall(b"GET /api/breaches.csv HTTP/1.1\r\n" + HOST.encode() + b"\r\n")
        time.sleep(14)
        n = 0
        with pytest.raises(ConnectionResetError):
            while part := lazy.recv(1 << 20):
                n += len(part)
            raise ConnectionResetError  # or an end without the last chunk
    assert n < 10_000_000
    assert is_instrumented(board.binary) or board.memory_mib() <= 64


def test_an_address_has_8_connections_and_others_wait(board):
    held = [board.connect() for _ in range(8)]
    waiting = board.connect()
    waiting.sendall(b"GET /api/config HTTP/1.1\r\n" + HOST.encode() + b"\r\n")
    waiting.settimeout(0.5)
    with pytest.raises(TimeoutError):
        waiting.recv(1)
    more = [board.connect() for _ in range(15)]
    assert board.get("/livez").status == 429
    assert board.get("/livez", source="127.0.0.2").status == 200  # another address is served
    held[0].close()
    waiting.settimeout(5)
    assert waiting.recv(100).startswith(b"HTTP/1.1 200")
    for made in (*held, *more):
        made.close()
    wait_until(lambda: board.get("/livez").status == 200, "room again")


def test_256_connections_and_128_streams(make_board):
    board = make_board().start(board_max_per_address=10000)
    streams = [Stream(board) for _ in range(128)]
    assert "200 OK" in streams[-1].head
    with pytest.raises(EOFError):
        late = Stream(board)
        assert "503" in late.head
        late.next()
    held = [board.connect() for _ in range(128)]
    time.sleep(0.3)
    assert board.get("/livez").status == 503
    for made in held:
        made.close()
    wait_until(lambda: board.get("/livez").status == 200, "room again")
    assert all(stream.next() for stream in streams)


def test_a_stream_that_does_not_read_is_dropped_at_1_mib(make_board):
    """Others go on, and memory stays small."""
    board = make_board()
    board.site.rows("""INSERT INTO kpid.alert (alert_id, ticket_id, target, n, revision, state, level, due_at, breached_at, cause,
        policy, detected_at, unconfirmed, delivery)
        SELECT i::text, repeat('t', 2000), 'arrival', i, 1, 'breached', 0, now(), now(), 'deadline', 'p', now(), false, 'off'
        FROM generate_series(1, 100) i""")
    board.start()
    board.wait_read()
    lazy, reader = Stream(board), Stream(board)
    lazy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for n in range(1, 200):
        board.site.rows("UPDATE kpid.alert SET level = %s", n)
        if reader.until(lambda kind, data: "breaches" in data) and "streams_dropped_total 1" in metrics(board):
            break
    assert n < 100
    assert reader.next()
    assert is_instrumented(board.binary) or board.memory_mib() <= 64


def metrics(board):
    return board.get("/metrics").body.decode()


def test_metrics_are_those_of_the_document(board):
    with open(os.path.join(ROOT, "docs", "board.md"), encoding="utf-8") as file:
        shown = set(re.findall(r"^\| `((?:kpid|process)_\w+)`", file.read(), re.M))
    board.wait_read()
    text = metrics(board)
    assert shown == {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE ")} and shown
    openmetrics = board.get("/metrics", headers="Accept: application/openmetrics-text; version=1.0.0\r\n")
    assert openmetrics.body.endswith(b"# EOF\n")
    assert board.get("/readyz?verbose").body.startswith(b"[+]database\n")


def test_a_slow_loris_and_1000_connections_and_a_header_of_2_gib(make_board):
    """The memory of the board stays at most 64 MiB, and a page is still served."""
    board = make_board().start(board_max_per_address=1000)
    crowd = []
    for _ in range(1000):
        crowd.append(board.connect())
        try:
            crowd[-1].sendall(b"GET / HTTP/1.1\r\nX-A: ")
        except OSError:
            pass
    with board.connect(source="127.0.0.9") as huge:
        try:
            for _ in range(2148):  # 2 GiB
                huge.sendall(b"a" * 1_000_000)
        except OSError:
            pass
    wait_until(lambda: board.get("/").status == 200, "a page", timeout=15)
    assert is_instrumented(board.binary) or board.memory_mib() <= 64
    for made in crowd:
        made.close()


def test_it_refuses_an_address_beyond_this_machine_without_allowed_hosts(make_board):
    board = make_board()
    for listen in ("0.0.0.0:1", "[::]:1", "192.0.2.1:80"):
        done = subprocess.run(board.command(board_listen=listen), capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "KPID_CONFIG": "/dev/null"})
        assert done.returncode == 3 and "board.allow_hosts: is missing" in done.stderr, done.stderr
    for listen in ("localhost", "1.2.3:80", "relative/path", "[::1:80", "127.0.0.1:99999"):
        done = subprocess.run(board.command(board_listen=listen), capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "KPID_CONFIG": "/dev/null"})
        assert done.returncode == 3 and "board.listen: " in done.stderr, done.stderr
    board.start(board_listen=f"0.0.0.0:{board.port}", board_allow_hosts="board.example, other.example:80")
    assert [board.get("/", host=host).status for host in ("board.example:8420", "other.example", "localhost")] == [200, 421, 421]


def test_a_unix_socket(make_board, tmp_path):
    path = str(tmp_path / "s")
    board = make_board().start(board_listen=path, board_max_per_address=1)
    assert os.stat(path).st_mode & 0o777 == 0o660
    held = [board.connect() for _ in range(5)]  # the limit per address does not apply
    assert board.get("/").status == 200
    board.process.kill()
    board.start(board_listen=path)  # the socket of the killed one is replaced
    assert board.get("/").status == 200 and held


def test_systemd_passes_the_socket(make_board):
    board = make_board()
    with socket.create_server(("127.0.0.1", board.port)) as listening:
        command = " ".join(f"'{part}'" for part in board.command(board_listen="127.0.0.1:1"))
        process = subprocess.Popen(["bash", "-c", f"LISTEN_PID=$$ LISTEN_FDS=1 exec {command} 3<&{listening.fileno()}"],
                                   pass_fds=[listening.fileno()], env={**os.environ, "KPID_CONFIG": "/dev/null"})
    try:
        assert board.get("/").status == 200
    finally:
        process.terminate()
        assert process.wait(30) == 0


# -- streams ---------------------------------------------------------------------------------------------------------


def apply(state, data):
    """What a page does with a delta."""
    for name, change in data.items():
        if isinstance(change, dict) and set(change) <= {"set", "del", "order"} and isinstance(state.get(name), list):
            rows = {row["key"]: row for row in state[name]}
            rows.update((row["key"], row) for row in change.get("set", ()))
            for key in change.get("del", ()):
                del rows[key]
            state[name] = [rows[key] for key in change.get("order", rows)]
        else:
            state[name] = change


def test_deltas_lead_to_the_snapshot(desk):
    """A page that applies every delta shows the same as one that has just come; nothing is missing after it comes back."""
    stream = Stream(desk)
    first_id, kind, state = stream.next()
    assert kind == "snapshot" and state["seq"] > 0
    desk.site.rows("UPDATE kpid.ticket SET priority = '9' WHERE ticket_id = 'T1'")
    desk.site.rows("DELETE FROM kpid.sla_clock_idle WHERE ticket_id = 'T3'")
    last_id = stream.until(lambda kind, data: apply(state, data) or [c for c in state["clocks"] if c["priority"] == "9"]
                           and not [c for c in state["clocks"] if c["ticket_id"] == "T3"] and f"{state['boot']}-{data['seq']}")
    stream.close()

    again = Stream(desk, first_id)
    copy_id, kind, data = again.next()
    assert kind == "delta" and data["seq"] == int(first_id.rpartition("-")[2]) + 1
    current = Stream(desk)
    new_id, kind, snapshot = current.next()
    later = Stream(desk, last_id)
    while state["seq"] < snapshot["seq"]:
        _, kind, data = later.next()
        assert kind == "delta" and data["seq"] == state["seq"] + 1
        apply(state, data)
    assert state == snapshot
    assert Stream(desk, "another-5").next()[1] == "snapshot"


def test_a_breach_by_time_alone_is_sent_within_a_second_of_its_row(make_board):
    """Silence, then a breach: the daemon's row is on its way within a second."""
    board = make_board()
    board.start()
    board.wait_read()
    stream = Stream(board)
    late = []
    for n in range(5):
        board.site.rows("""INSERT INTO kpid.alert (alert_id, ticket_id, target, n, revision, state, level, due_at, breached_at,
            cause, policy, detected_at, unconfirmed, delivery)
            VALUES (%s, 'T', 'arrival', 1, 1, 'breached', 0, now(), now(), 'deadline', 'p', now(), true, 'off')""", f"a{n}")
        began = time.monotonic()
        row = stream.until(lambda kind, data: [r for r in (data.get("breaches") or {"set": []}).get("set", ())
                                               if r["key"] == f"a{n}"] if kind == "delta" else None)
        late.append(time.monotonic() - began)
        assert row[0]["unconfirmed"] is True
        time.sleep(0.37)
    print(late)
    board.site.rows("UPDATE kpid.alert SET state = 'voided' WHERE alert_id = 'a1'")
    stream.until(lambda kind, data: "breaches" in data and [r["state"] for r in data["breaches"]["set"]] == ["voided"])


def test_changed_breaches_are_sent_twice_in_a_tick(desk):
    """And deltas without news once: the others only say that the server is there."""
    stream = Stream(desk)
    times = []

    def gaps(_, data, wanted):
        """How long the latest four gaps took together, in seconds."""
        times.append(datetime.datetime.fromisoformat(data["now"].replace("Z", "+00:00")))
        if wanted == "changing":
            desk.site.rows("UPDATE kpid.alert SET level = level + 1")
        return len(times) > 4 and (times[-1] - times[-5]).total_seconds()
    stream.until(lambda kind, data: (gap := gaps(kind, data, "changing")) and gap < 2.4)
    del times[:]
    assert all(stream.until(lambda kind, data: gaps(kind, data, "still")) > 2.4 for _ in range(4))


def test_a_restart_of_the_database(desk):
    """The pages hear that it is away, keep the figures, and get the new ones afterwards."""
    stream = Stream(desk)
    stream.next()
    desk.site.disconnect()
    desk.pg.stop()
    away = stream.until(lambda kind, data: data.get("fresh", {}).get("state") == "away" and data)
    assert desk.json("/api/now")["clocks"] and away["as_of"]
    assert desk.get("/api/clocks").status == 503
    assert desk.get("/livez").status == 200 and desk.get("/readyz").status == 503
    desk.pg.start()
    stream.until(lambda kind, data: data.get("fresh", {}).get("state") not in (None, "away"))
    wait_until(lambda: desk.get("/api/clocks").status == 200, "the lists")
    assert desk.get("/readyz").status == 200


def test_a_stop_ends_streams_and_is_quick(desk):
    stream = Stream(desk)
    stream.next()
    assert desk.process.stop(10) < 5
    with pytest.raises(EOFError):
        while True:
            stream.next()


# -- lists -----------------------------------------------------------------------------------------------------------


def keys(board, target):
    return [row["key"] for row in board.json(target)["rows"]]


def test_the_state(desk):
    state = desk.json("/api/now")
    assert state["totals"] == {"open": 3, "at_risk": 0, "breached": 1, "paused": 1, "unconfirmed": 0}
    assert [(row["ticket_id"], row["target"], row["state"]) for row in state["clocks"]] == [
        ("T1", "first_response", "breached"), ("T2", "first_response", "pending"), ("T1", "resolution", "pending"),
        ("T2", "resolution", "pending"), ("T3", "resolution", "paused")]
    assert state["clocks"][-1]["left_us"] == pytest.approx(7 * 3600e6, abs=1e6) and state["clocks"][-1]["due_at"] is None
    assert [(row["ticket_id"], row["owner"], row["project"], row["team"]) for row in state["breaches"]] == [
        ("T1", "ann", "east", "lifts")]
    agents = {row["key"]: row for row in state["agents"]}
    assert agents["cem"]["resolved"] == sum(agents["cem"]["spark"]) == 1 and len(agents["cem"]["spark"]) == 12
    assert agents["ann"]["backlog"] == 2 and state["n_agents"] == 3
    assert {row["key"]: row["open"] for row in state["projects"]} == {"east": 2, "west": 1}
    assert {row["key"]: row["breached"] for row in state["teams"]} == {"lifts": 1, "": 0}
    wait_until(lambda: desk.json("/api/now")["compliance"][0]["today"], "the figures of the day")


def test_lists_and_filters(desk):
    assert keys(desk, "/api/clocks") == ["T1|first_response|1", "T2|first_response|1", "T1|resolution|1", "T2|resolution|1",
                                         "T3|resolution|1"]
    assert keys(desk, "/api/clocks?project=west") == ["T2|first_response|1", "T2|resolution|1"]
    assert keys(desk, "/api/clocks?agent=ann&state=paused") == ["T3|resolution|1"]
    assert keys(desk, "/api/clocks?team=&target=resolution") == ["T2|resolution|1", "T3|resolution|1"]
    assert keys(desk, "/api/clocks?q=t1&priority=1") == ["T1|first_response|1", "T1|resolution|1"]
    assert keys(desk, "/api/clocks?q=%3Dcmd&unknown=1") == ["T2|first_response|1", "T2|resolution|1"]
    assert desk.json("/api/clocks")["total"] == 5 and desk.json("/api/clocks?project=nobody")["total"] == 0
    assert [row["ticket_id"] for row in desk.json("/api/breaches?state=breached")["rows"]] == ["T1"]
    assert keys(desk, "/api/breaches?project=west") == []
    assert keys(desk, "/api/tickets?state=open") == ["T2", "T1"]
    assert keys(desk, "/api/tickets") == ["T2", "T3", "T1"]
    assert keys(desk, "/api/tickets?did=resolved&last=hour&agent=cem") == ["T/4 ü"]
    assert keys(desk, "/api/tickets?did=responded&last=hour") == keys(desk, "/api/tickets?did=resolved&last=week_ago") == []
    assert keys(desk, "/api/tickets?did=measured&target=first_response") == ["T3", "T/4 ü", "T1"]
    assert keys(desk, "/api/tickets?did=within&target=first_response") == ["T3", "T/4 ü"], "T1 is breached"
    assert keys(desk, "/api/tickets?did=within&target=resolution&last=hour") == ["T/4 ü"]
    assert keys(desk, "/api/breaches?last=week_ago") == []
    assert desk.json("/api/clocks?project=east&state=paused")["total"] == 1
    assert keys(desk, "/api/agents?sort=-backlog") == ["ann", "bob", "cem"]
    assert keys(desk, "/api/agents?q=B") == ["bob"]
    assert keys(desk, "/api/projects?sort=-open") == ["east", "west"]
    assert keys(desk, "/api/teams") == ["lifts", ""]


def test_projects_and_teams_count_the_last_hour(desk):
    """As far as the ledger is refreshed; each number is the total of the list to which it leads. The day begins at midnight, not with the
    board."""
    assert desk.json("/api/now")["read"]["ledger"] is None
    later = now() - datetime.timedelta(minutes=1)
    ingest(desk, event("survey.submitted", "T/4 ü", later, score=4.5), event("ticket.responded", "T1", later, agent_id="ann"))
    desk.site.command("appraisal", "refresh")
    wait_until(lambda: desk.json("/api/now")["read"]["ledger"], "the ledger to be read", timeout=30)
    state = desk.json("/api/now")
    projects, teams = ({row["key"]: row for row in state[name]} for name in ("projects", "teams"))
    assert {key: (row["opened"], row["responded"], row["resolved"], row["within"], row["measured"], row["csat_n"]) for key, row in projects.items()} == {
        "east": (0, 1, 0, 0, 0, 0), "west": (1, 0, 0, 0, 0, 0), "": (0, 0, 1, 1, 1, 1)}
    assert {key: (row["opened"], row["responded"], row["resolved"]) for key, row in teams.items()} == {"lifts": (0, 1, 0), "": (1, 0, 1)}
    assert projects[""]["csat_micros"] == 900000 and sum(projects[""]["spark"]) == 1 and projects[""]["open"] == 0
    assert keys(desk, "/api/projects?sort=-responded")[0] == "east"
    columns = {"opened": "opened", "responded": "responded", "resolved": "resolved", "within": "within", "measured": "measured", "missed": "missed", "rated": "csat_n"}
    for kind, groups in (("project", projects), ("team", teams)):
        for key, row in groups.items():
            for did, column in columns.items():
                answer = desk.json(f"/api/counted?{kind}={key}&did={did}")
                assert answer["total"] == sum(one["n"] for one in answer["rows"]) == row[column], (kind, key, did)
    assert [row["ticket_id"] for row in desk.json("/api/counted?team=&did=resolved")["rows"]] == ["T/4 ü"]
    assert desk.json("/api/counted?q=t1&agent=ann")["total"] == 1 and desk.json("/api/counted?priority=9")["total"] == 0
    backlog = state["day"]["backlog"]
    assert None not in backlog and backlog[-1] == 3


@pytest.mark.parametrize("list", ["clocks", "breaches", "tickets", "agents", "projects", "teams"])
def test_pages_of_a_list_have_every_row_once(desk, list):
    whole = keys(desk, f"/api/{list}")
    found, after = [], ""
    while after is not None:
        page = desk.json(f"/api/{list}?limit=1{after}")
        found += [row["key"] for row in page["rows"]]
        after = page["next"] and "&after=" + "".join(f"%{byte:02x}" for byte in page["next"].encode())
    assert found == whole and whole


def test_a_ticket(desk):
    answer = desk.json("/api/ticket/T%2F4%20%C3%BC")
    assert answer["ticket"]["ticket_id"] == "T/4 ü" and answer["explanation"]["ticket_id"] == "T/4 ü"
    assert [step["type"] for step in answer["explanation"]["events"]] == ["ticket.opened", "ticket.responded", "ticket.resolved"]
    missing = desk.get("/api/ticket/nothing")
    assert missing.status == 404 and set(missing.json()) == {"error"}
    assert desk.get("/api/ticket/%00").status == 400


def test_files_have_the_columns_of_the_lists(desk):
    for name in ("clocks", "breaches", "tickets", "agents", "projects", "teams"):
        row = desk.json(f"/api/{name}")["rows"][0]
        header = desk.get(f"/api/{name}.csv").unchunked().decode("utf-8-sig").split("\r\n")[0]
        assert header.split(",") == list(row) and "sort_value" not in row


def test_csv_is_safe_to_open(desk):
    answer = desk.get("/api/clocks.csv?project=west")
    text = answer.unchunked().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert answer.unchunked().startswith(b"\xef\xbb\xbf") and "attachment" in answer.headers["content-disposition"]
    assert [row["category"] for row in rows] == ["'" + EVIL] * 2
    assert [row["key"] for row in rows] == keys(desk, "/api/clocks?project=west")
    as_json = json.loads(desk.get("/api/clocks.json").unchunked())
    assert as_json == desk.json("/api/clocks")["rows"]
    assert json.loads(desk.get("/api/clocks.json?project=nobody").unchunked()) == []
    http10 = desk.raw(b"GET /api/clocks.csv HTTP/1.0\r\n" + HOST.encode() + b"\r\n")  # as nginx asks
    assert "transfer-encoding" not in http10.headers and http10.body.count(b"\r\n") == 6


def test_a_long_csv_is_complete_and_takes_no_memory(make_board):
    board = make_board()
    board.site.rows("""INSERT INTO kpid.alert (alert_id, ticket_id, target, n, revision, state, level, due_at, breached_at, cause,
        policy, detected_at, unconfirmed, delivery)
        SELECT i::text, repeat('t', 200), 'arrival', i, 1, 'breached', 0, now(), now(), 'deadline', 'p', now(), false, 'off'
        FROM generate_series(1, 30000) i""")
    board.start()
    board.wait_read()
    rows = list(csv.DictReader(io.StringIO(board.get("/api/breaches.csv").unchunked().decode("utf-8-sig"))))
    assert len(rows) == len({row["key"] for row in rows}) == 30000
    # Read in pieces of 5,000: counted to the end, and found at the end.
    for query, total in (("limit=1", 30000), ("q=tt", 30000), ("q=nothing", 0)):
        wait_until(lambda query=query, total=total: board.json(f"/api/breaches?{query}")["total"] == total, f"the total of {query}")
    board.site.rows("UPDATE kpid.alert SET owner_at_breach = 'ann' WHERE alert_id IN ('1', '15000', '29999')")
    assert [row["key"] for row in json.loads(board.get("/api/breaches.json?agent=ann").unchunked())] == ["29999", "15000", "1"]
    wait_until(lambda: keys(board, "/api/breaches?agent=ann") == ["29999", "15000", "1"], "the rows of ann")
    assert is_instrumented(board.binary) or board.memory_mib() <= 64


def test_equal_requests_within_a_second_are_one_query(desk):
    calls = int(re.search(r'questions_total{outcome="answered"} (\d+)', metrics(desk))[1])
    bodies = [desk.get("/api/tickets?project=east&limit=7").body for _ in range(200)]
    assert len(set(bodies)) < 20
    assert int(re.search(r'questions_total{outcome="answered"} (\d+)', metrics(desk))[1]) - calls < 100


def test_the_role_reads_the_report_and_nothing_else(desk):
    connection = desk.pg.connect(desk.site.database, "board")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM report.ticket")
        assert cursor.fetchone() == (4,)
        for sql in ("SELECT * FROM kpid.ticket", "SELECT report.ack_alert('a', 'b', 'c')", "CREATE TABLE x (n int)",
                    "DELETE FROM report.sla_clock", "CREATE TEMP TABLE x (n int)"):
            with pytest.raises(Exception, match="permission denied"):
                cursor.execute(sql)
    connection.close()


# -- acknowledging ---------------------------------------------------------------------------------------------------


def post_ack(board, body, user="Zoë", token=None, headers="", type="application/json"):
    if token is None:
        token = board.get("/api/config", headers=f"X-Forwarded-User: {user}\r\n").json()["csrf"]
    body = json.dumps(body).encode() if not isinstance(body, bytes) else body
    return board.raw(f"POST /api/ack HTTP/1.1\r\n{HOST}X-Forwarded-User: {user}\r\nX-Kpid-Csrf: {token}\r\nContent-Type: {type}"
                     f"\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def test_viewers_behind_the_proxy_acknowledge(desk, tmp_path):
    """Off by default; on for the named peer only, with its user's name, a token, and a role of its own."""
    alert_id, = [row["key"] for row in desk.json("/api/breaches")["rows"]]
    assert desk.json("/api/config")["ack"] is False
    assert desk.get("/api/config", headers="X-Forwarded-User: ann\r\n").json()["csrf"] is None
    assert post_ack(desk, {"alert_id": alert_id, "why": "x"}, token="x").status == 405
    if desk.pg.psql("SELECT 1 FROM pg_roles WHERE rolname = 'board_acks'") != "1":
        desk.pg.psql("CREATE ROLE board_acks LOGIN IN ROLE kpid_operator")
    desk.process.stop()
    path = str(tmp_path / "s")
    desk.start(board_listen=path, board_ack_proxy="unix", board_ack_user="board_acks")
    desk.wait_read()
    asked = {"alert_id": alert_id, "why": "on my way"}
    assert desk.json("/api/config")["ack"] is False  # without a name
    refused = [post_ack(desk, asked, token="0" * 64), post_ack(desk, asked, headers="Origin: http://evil.example\r\n"),
               post_ack(desk, asked, type="text/plain"), post_ack(desk, {"alert_id": alert_id}), post_ack(desk, b"{"),
               post_ack(desk, {**asked, "why": "x" * 2001}), post_ack(desk, {**asked, "alert_id": "nothing"}),
               post_ack(desk, {**asked, "undo": True})]
    assert [answer.status for answer in refused] == [403, 403, 415, 400, 400, 400, 404, 409]
    other = desk.get("/api/config", headers="X-Forwarded-User: bob\r\n").json()["csrf"]
    assert post_ack(desk, asked, token=other).status == 403  # of another viewer
    done = post_ack(desk, asked, headers="Origin: http://localhost\r\n")
    assert (done.status, done.json()) == (200, {"state": "acknowledged"})
    row = wait_until(lambda: [row for row in desk.json("/api/now")["breaches"] if row["acked"]], "it to be shown")[0]
    assert (row["acked_by"], row["acked_why"]) == ("Zoë", "on my way")
    assert post_ack(desk, {**asked, "undo": True}).json() == {"state": "breached"}
    desk.process.stop()
    desk.start(board_ack_proxy="192.0.2.1", board_ack_user="board_acks")  # another peer is not believed
    assert post_ack(desk, asked, token="0" * 64).status == 403
