"""A small help desk for the commands that documents show: what they print is compared, and every one of them is run."""
import datetime
import gzip
import http.server
import json
import os
import shutil
import subprocess
import threading

from servers import Postgres

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TICKET = "BX-20260312-0417"
# (type, local time in Shanghai, fields): one ticket from its opening to its survey.
TICKET_EVENTS = (
    ("ticket.opened", "19:42:10", {"agent_id": "chen.jing", "category": "repair/water", "priority": "2",
                                   "project_id": "binjiang-tower"}),
    ("ticket.assigned", "19:44:00", {"agent_id": "sun.hao"}),
    ("ticket.responded", "19:56:30", {"agent_id": "sun.hao"}),
    ("ticket.arrived", "20:15:00", {"agent_id": "sun.hao"}),
    ("ticket.resolved", "20:58:00", {"agent_id": "sun.hao", "resolution": "solved"}),
    ("ticket.closed", "21:05:00", {"agent_id": "chen.jing"}),
    ("survey.submitted", "21:30:00", {"score": 5}),
)
# (type, minutes ago, ticket, fields): the desk right now.
DESK_EVENTS = (
    ("ticket.opened", 35, "BX-2201", {"agent_id": "sun.hao", "category": "repair/water", "project_id": "binjiang-tower"}),
    ("ticket.responded", 30, "BX-2201", {"agent_id": "sun.hao"}),
    ("ticket.opened", 40.4, "BX-2202", {"agent_id": "chen.jing", "category": "lift/noise", "priority": "1",
                                      "project_id": "binjiang-tower"}),
    ("ticket.responded", 37, "BX-2202", {"agent_id": "chen.jing"}),
    ("ticket.opened", 30, "BX-2203", {"agent_id": "li.na", "category": "complaint/noise", "project_id": "garden"}),
    ("ticket.responded", 22, "BX-2203", {"agent_id": "li.na"}),
    ("ticket.resolved", 10, "BX-2203", {"agent_id": "li.na"}),
    ("survey.submitted", 5, "BX-2203", {"score": 4}),
    ("ticket.opened", 20, "BX-2204", {"agent_id": "li.na", "category": "inquiry", "project_id": "garden"}),
)
TABLES = """
INSERT INTO kpid.source_partition (topic, partition, epoch, owner, next_offset, high_offset, state, state_reason)
VALUES ('ticket-opened', 3, 1, 'a', 100, 250, 'stopped', 'gap'), ('ticket-legacy', 0, 1, 'a', 10, 10, 'running', NULL),
       ('ticket-closed', 1, 1, 'a', 100, 50, 'stopped', 'gap'), ('ticket-activity', 0, 1, 'a', 2200, 2200, 'running', NULL);
INSERT INTO kpid.gap (topic, partition, expected_offset, low_offset, high_offset, reason)
VALUES ('ticket-opened', 3, 100, 200, 250, 'deleted'), ('ticket-closed', 1, 100, 0, 50, 'truncated');
INSERT INTO kpid.dead_letter (topic, partition, "offset", reason, detail, value)
VALUES ('ticket-activity', 0, 2177, 'bad_time', 'time: has no zone', '{"ticket_id": "7", "time": "2026-03-12 19:42"}');
"""


def zone_of_noon():
    """A zone without daylight saving in which it is midday now, so that "today" holds the last hours."""
    return f"Etc/GMT{datetime.datetime.now(datetime.timezone.utc).hour - 12:+d}"


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes every alert."""

    def do_POST(self):  # pylint: disable=invalid-name
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Story:
    """A database named kpid with the events of above, and a folder with what commands need; to be closed."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, str(folder)
        self.receiver = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=self.receiver.serve_forever, daemon=True).start()
        self.server = Postgres(settings={"fsync": "off"})
        self.server.start()
        self.server.create_database("kpid")
        self.config = os.path.join(self.folder, "kpid.ini")
        self.env = {**self.server.env("kpid"), "KPID_CONFIG": self.config, "COLUMNS": "100"}
        for name in ("policy.json", "old.json", "new.json"):
            shutil.copy(os.path.join(ROOT, "deploy", "policy.sample.json"), os.path.join(self.folder, name))
        for name in ("appraisal.json", "next.json"):
            shutil.copy(os.path.join(ROOT, "deploy", "appraisal", "frontdesk.json"), os.path.join(self.folder, name))
        self.write("roster.csv", "agent,role\nsun.hao,frontdesk\n")
        self.write("kpid.ini", "[kafka]\nbootstrap.servers = 127.0.0.1:9\n[sla]\npolicy_file = policy.json\n"
                               "[alert]\nreceivers_file = receivers.json\n")
        self.write("receivers.json", json.dumps({"receivers": [{
            "name": "on call", "type": "alertmanager", "url": f"http://127.0.0.1:{self.receiver.server_port}/api/v2/alerts"}]}))
        self.write("desk.ndjson", "".join(json.dumps(event) + "\n" for event in self.events()))
        with gzip.open(os.path.join(self.folder, "events.ndjson.gz"), "wb") as file:
            file.write("".join(json.dumps(event) + "\n" for event in self.events()).encode())
        os.symlink(os.path.join(ROOT, "deploy"), os.path.join(self.folder, "deploy"))
        shutil.copy(os.path.join(ROOT, "deploy", "mappings", "wuye.cases", "repairs.csv"), self.folder)
        os.mkdir(os.path.join(self.folder, "mine.cases"))
        self.write("mine.lua", "skip(record.why)\n")
        self.write("mine.cases/one.ndjson", '{"why": "an example"}\n')
        self.write("repairs.lua", self.run("map", "guess", "repairs.csv"))
        self.run("migrate", "up")
        self.run("settings", "set", "report.time_zone", zone_of_noon())
        self.run("ingest", "desk.ndjson")
        self.is_broken = False

    def break_something(self):
        """Gaps and a dead letter, for commands that look at them."""
        if not self.is_broken:
            self.server.psql(TABLES, database="kpid")
            self.is_broken = True

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def events(self):
        def event(number, kind, time, ticket, fields):
            return {"specversion": "1.0", "id": f"e-{number}", "source": "/desk", "type": kind, "time": time,
                    "data": {"ticket_id": ticket, **fields}}
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        yield from (event(i, kind, f"2026-03-12T{time}+08:00", TICKET, fields)
                    for i, (kind, time, fields) in enumerate(TICKET_EVENTS, 1))
        yield from (event(f"d{i}", kind, (now - datetime.timedelta(minutes=ago)).isoformat(), ticket, fields)
                    for i, (kind, ago, ticket, fields) in enumerate(DESK_EVENTS, 1))

    def run(self, *arguments, statuses=(0,), stdin=subprocess.DEVNULL):
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, check=False, cwd=self.folder,
                              stdin=stdin, env=self.env, timeout=60)
        assert done.returncode in statuses, f"kpid {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def close(self):
        self.receiver.shutdown()
        self.server.close()
