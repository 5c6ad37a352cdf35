"""Servers for the session, and a site of its own for each test: see daemon.py."""
import os
import random
import re
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from daemon import (INCIDENTS, ROOT, Site, Stream, create_migrated, incident_lines, now, recompute,  # noqa: E402
                    shuffle_within_an_hour)
from servers import Kafka, Postgres  # noqa: E402

PAUSES = ["requester", "evidence"]


def _targets(first_response, resolution, calendar="always", **more):
    return {"first_response": {"within": first_response, "calendar": calendar, "warn_at": ["80%"]},
            "resolution": {"within": resolution, "calendar": calendar, "pause_on": PAUSES,
                           "warn_at": ["50%", "90%", "1h before"], "escalate_after": ["1h", "8h"], **more}}


def _week(days, *hours):
    return {day: list(hours) for day in days.split()}


# Office hours with a lunch break, a night shift, Saturdays; holidays and make-up workdays in the year of the
# incidents.
CALENDARS = {
    "always": {"always": True},
    "shanghai": {"time_zone": "Asia/Shanghai", "working_day": "7h30m",
                 "weekly": {**_week("mon tue wed thu fri", "08:30-12:00", "13:30-17:30"), "sat": ["09:00-12:00"]},
                 "days": {**{f"2016-06-{day:02}": [] for day in (9, 10, 11)}, "2016-06-12": ["08:30-12:00", "13:30-17:30"],
                          **{f"2016-10-{day:02}": [] for day in range(1, 8)}, "2016-10-08": ["08:30-12:00"]}},
    "berlin": {"time_zone": "Europe/Berlin", "working_day": "8h",
               "weekly": {**_week("mon tue wed thu", "00:00-02:30", "09:00-12:30", "13:00-17:30", "22:00-24:00"),
                          "fri": ["00:00-02:30", "09:00-13:00"]},
               "days": {"2016-10-03": [], "2016-10-30": ["01:00-04:00"], "2016-12-26": []}},
    "new york": {"time_zone": "America/New_York", "working_day": "6h30m",
                 "weekly": _week("mon tue wed thu fri", "09:00-12:00", "12:30-16:00"), "days": {"2016-07-04": []}},
}


def _plain(first_response, resolution, **more):
    return {"first_response": {"within": first_response, "calendar": "always"},
            "resolution": {"within": resolution, "calendar": "always", "pause_on": PAUSES, **more}}


# For the incidents: their priorities are 1 to 4, their pause reasons requester, vendor, problem and evidence.
POLICY = {"revisions": [
    {"id": "2016-01", "calendars": {"always": {"always": True}}, "policies": [
        {"name": "critical", "match": {"priority": ["1"]}, "targets": _plain("15m", "8h")},
        {"name": "high", "match": {"priority": ["2"]}, "targets": _plain("15m", "24h", reopen="continue")},
        {"name": "other", "targets": _plain("15m", "24h")}]},
    {"id": "2016-06", "effective_from": "2016-06-01T00:00:00Z", "resume_on_reply": ["requester"],
     "calendars": CALENDARS, "policies": [
         {"name": "critical", "match": {"priority": ["1", "2"]}, "targets": _targets("10m", "6h")},
         {"name": "phone", "match": {"channel": ["phone"], "priority": ["3"]}, "targets": _targets("15m", "2wd", "berlin")},
         {"name": "low", "match": {"priority": ["4"]}, "targets": {
             "resolution": {"within": "5wd", "calendar": "new york", "warn_at": ["80%"]}}},
         {"name": "other", "targets": _targets("1h", "3wd", "shanghai", reopen="continue")}]},
]}  # fmt: skip


@pytest.fixture(scope="session")
def binary():
    path = os.environ.get("KPID_BINARY") or os.path.join(ROOT, "build", "test", "kpid")
    if not os.access(path, os.X_OK):
        pytest.fail(f"there is no {path}: build it (cmake --preset test && cmake --build --preset test), or name it in "
                    "KPID_BINARY")
    return os.path.abspath(path)


@pytest.fixture(scope="session")
def library(binary):
    """The path of tests/fixture/fail_call.c, built beside the binary."""
    path = os.path.join(os.path.dirname(binary), "tests", "fail_call.so")
    if not os.access(path, os.R_OK):
        pytest.fail(f"there is no {path}: that build has no tests")
    return path


@pytest.fixture(scope="session")
def pg():
    # The machine itself never fails, so a killed server loses nothing without fsync.
    with Postgres(settings={"fsync": "off", "track_commit_timestamp": "on", "shared_buffers": "256MB", "max_connections": 200},
                  version=os.environ.get("KPID_POSTGRES")) as server:
        yield server


@pytest.fixture(scope="session")
def kafka():
    # Allows session timeouts as short as the tests need.
    with Kafka(settings={"group.min.session.timeout.ms": 500}) as server:
        yield server


@pytest.fixture(scope="session")
def template(pg, binary):
    """The name of a migrated, empty database."""
    create_migrated(pg, binary, "template_kpid")
    return "template_kpid"


def _name(request):
    return re.sub(r"\W+", "_", request.node.name.removeprefix("test_")).strip("_").lower()[:40]


@pytest.fixture
def make_stream(request, kafka):
    """make_stream(partitions): topics that only this test uses."""
    made = []

    def make(partitions=4):
        made.append(Stream(kafka, f"{_name(request)}{len(made)}".replace("_", "-"), partitions))
        return made[-1]
    yield make
    if kafka.running():
        for stream in made:
            for topic in set(stream.topics.values()) & set(kafka.topics()):
                kafka.delete_topic(topic)


@pytest.fixture
def make_site(request, pg, kafka, binary, template, tmp_path):
    """make_site(stream, policy, settings): a database with its daemons; without a stream, for kpid ingest."""
    made = []

    def make(stream=None, policy=None, settings=None):
        name = f"{_name(request)}_{len(made)}"
        pg.create_database(name, template)
        pg.psql(f'REVOKE TEMPORARY ON DATABASE "{name}" FROM PUBLIC')  # as kpid migrate does; a copy has its own rights
        made.append(Site(pg, kafka, binary, name, tmp_path / name, stream, policy, settings))
        request.node.sites = made
        return made[-1]
    yield make
    faults = []
    for site in made:
        faults += site.close()
    for site in made:
        if pg.running():
            pg.drop_database(site.database)
        if site.alert_topic and kafka.running():
            kafka.delete_topic(site.alert_topic)
    assert not faults, "\n".join(faults)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for site in getattr(item, "sites", ()):
            report.sections.append((f"logs of {site.database}", site.logs()))
            for server in (site.pg, site.kafka):
                if server and not server.running():
                    report.sections.append((f"{server.kind} has ended", server.log_tail(40)))


# ---- real incidents: sent once, read by many tests ----

@pytest.fixture(scope="session")
def incidents():
    """The path of the file with real incidents."""
    if not os.path.exists(INCIDENTS):
        pytest.skip(f"no {os.path.relpath(INCIDENTS, ROOT)} beside the project")
    return INCIDENTS


class Background:
    """A slow computation, started early and waited for where its result is needed."""

    def __init__(self, work):
        self.result = self.error = None
        self.thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()

    def _run(self, work):
        try:
            self.result = work()
        except BaseException as error:
            self.error = error

    def get(self):
        self.thread.join()
        if self.error:
            raise self.error
        return self.result


@pytest.fixture(scope="session")
def incidents_expected(incidents, tmp_path_factory):
    """The recomputation of the incidents under POLICY, in progress: get() returns its folder. All deadlines have
    passed."""
    out = str(tmp_path_factory.mktemp("incidents") / "expected")
    return Background(lambda: recompute([incidents], POLICY, out, as_of=now()))


@pytest.fixture(scope="session")
def incident_stream(incidents, incidents_expected, kafka):
    """The incidents on 4 partitions per topic, shuffled within an hour, 5 % of them twice."""
    stream = Stream(kafka, "incidents", 4)
    stream.send_events(shuffle_within_an_hour(incident_lines(), 0.05, seed=20160229))
    stream.sent.clear()  # The recomputation reads the file itself.
    return stream


# ---- the same, shorter: for tests that need load but not the whole year ----

class Part:
    """The first incidents, and their recomputation."""

    def __init__(self, n_lines, folder):
        self.values = list(incident_lines(n_lines))
        self.path = str(folder / "part.ndjson")
        with open(self.path, "wb") as file:
            file.writelines(value + b"\n" for value in self.values)
        self.expected = Background(lambda: recompute([self.path], POLICY, str(folder / "expected"), as_of=now()))

    def disordered(self, seed):
        """Shuffles events as they would arrive, with some duplicates."""
        return shuffle_within_an_hour(self.values, 0.05, seed)


@pytest.fixture(scope="session")
def part(incidents, tmp_path_factory):
    return Part(40_000, tmp_path_factory.mktemp("part"))


@pytest.fixture(scope="session")
def part_stream(part, kafka):
    stream = Stream(kafka, "part", 4)
    stream.send_events(part.disordered(seed=7))
    stream.sent.clear()
    return stream


@pytest.fixture
def chance(request):
    """Random numbers that are the same in each run."""
    return random.Random(request.node.name)


@pytest.fixture
def make_topic(request, kafka):
    """make_topic(partitions): the name of a topic of records that only this test uses."""
    made = []

    def make(partitions=2):
        made.append(re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).lower()[:60] + f"-r{len(made)}")
        kafka.create_topic(made[-1], partitions)
        return made[-1]
    yield make
    for name in made:
        kafka.delete_topic(name)
