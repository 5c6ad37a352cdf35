"""kpid ingest: exit 0 means that every line of the input is in the database, whatever the input is, whatever
happens to it meanwhile, and which other process reads it. Anything else is reported, and the source stays unfinished.
"""
import ctypes
import datetime
import gzip
import json
import mmap
import os
import signal
import subprocess

import pytest

from daemon import PATIENCE, event, failing_calls, wait_until

AT = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)


def lines(first, last):
    """One ticket per line; the same number gives the same line."""
    return [event("ticket.opened", f"T-{i}", AT, id=f"o-{i}", category="repair/electrical") for i in range(first, last)]


def write(path, values, end=b"\n"):
    with open(path, "wb") as file:
        file.write(end.join([*values, b""]))
    return str(path)


def n_tickets(site):
    return site.one("SELECT count(*) FROM kpid.ticket")


def sources(site):
    return site.rows("SELECT state, next_offset FROM kpid.source_partition ORDER BY source_no")


def ingest(site, path, status=0, **options):
    done = site.command("ingest", "--json", str(path), status=status, **options)
    return json.loads(done.stdout) if status == 0 else done.stderr


@pytest.fixture
def site(make_site):
    return make_site(settings={"run": {"batch_max_events": 500}})


# ---- files that cannot be read whole ----

def test_cut_gzip_ends_with_1_and_goes_on_when_the_file_is_whole(site, tmp_path):
    path, whole = tmp_path / "events.ndjson.gz", gzip.compress(b"\n".join(lines(0, 5000)) + b"\n", 1)
    path.write_bytes(whole[:len(whole) // 2])
    assert "ends too soon" in ingest(site, path, status=1)
    n = n_tickets(site)
    assert 0 < n < 5000 and sources(site) == [("running", n)]
    path.write_bytes(whole)
    report = ingest(site, path)
    assert (report["skipped"], report["lines"]) == (n, 5000 - n)
    assert n_tickets(site) == 5000 and sources(site) == [("finished", 5000)]


@pytest.mark.parametrize("damage", ["bits", "checksum", "trailing"])
def test_damaged_gzip_ends_with_1(site, tmp_path, damage):
    packed = bytearray(gzip.compress(b"\n".join(lines(0, 3000)) + b"\n", 1))
    if damage == "trailing":
        packed += b"not gzip"
    else:
        packed[-7 if damage == "checksum" else len(packed) // 2] ^= 0xff
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(packed)
    words = ingest(site, path, status=1)
    assert "damaged" in words and "not every line" in words
    assert [state for state, _ in sources(site)] == ["running"]


def test_read_error_in_the_middle_ends_with_1(site, tmp_path):
    """Standard input is the memory of this test, which lacks a page: read() returns what is before it, then EIO."""
    whole = b"\n".join(lines(0, 3000)) + b"\n"
    n_bytes = len(whole) // 2 // mmap.PAGESIZE * mmap.PAGESIZE
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    address = libc.mmap(None, n_bytes + mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE,
                        mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    ctypes.memmove(address, whole, n_bytes)
    libc.munmap(address + n_bytes, mmap.PAGESIZE)
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        assert "Input/output error" in ingest(site, "-", status=1, stdin=memory)
    libc.munmap(address, n_bytes)
    n = whole[:n_bytes].count(b"\n")
    assert n_tickets(site) == n and sources(site) == [("running", n)]
    with open(write(tmp_path / "whole", lines(0, 3000)), "rb") as file:
        assert ingest(site, "-", stdin=file)["skipped"] == n
    assert n_tickets(site) == 3000 and sources(site) == [("finished", 3000)]


@pytest.mark.parametrize("what", ["directory", "missing", "unreadable", "utf-16", "zstd"])
def test_unreadable_files_are_reported(site, tmp_path, what):
    path = tmp_path / "events.ndjson"
    words = {"directory": "is a directory", "missing": "No such file", "unreadable": "Permission denied",
             "utf-16": "iconv -f UTF-16", "zstd": "zstdcat"}[what]
    if what == "directory":
        path.mkdir()
    elif what == "unreadable":
        write(path, lines(0, 3))
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read everything")
    elif what == "utf-16":
        path.write_text(b"\n".join(lines(0, 3)).decode(), encoding="utf-16")
    elif what == "zstd":
        path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    assert words in ingest(site, path, status=1)
    assert n_tickets(site) == 0 and site.one("SELECT count(*) FROM report.dead_letter") == 0
    assert not any(state == "finished" for state, _ in sources(site))


# ---- inputs that are not files ----

@pytest.mark.parametrize("how", ["pipe", "fifo", "process substitution", "/dev/stdin", "redirected"])
def test_no_line_of_a_stream_is_lost(site, tmp_path, how):
    path = write(tmp_path / "events.ndjson", lines(0, 3000))
    os.mkfifo(tmp_path / "fifo")
    command = f"'{site.binary}' ingest --config '{site.ini}' --json "
    script = {"pipe": f"cat {path} | {command} -", "fifo": f"cat {path} > fifo & {command} fifo",
              "process substitution": f"{command} <(cat {path})", "/dev/stdin": f"cat {path} | {command} /dev/stdin",
              "redirected": f"{command} - < {path}"}[how]
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True,
                          timeout=PATIENCE)
    assert json.loads(done.stdout)["lines"] == 3000
    assert n_tickets(site) == 3000 and sources(site) == [("finished", 3000)]


def test_dev_zero_can_be_stopped(site):
    process = site.start_ingest("/dev/zero")
    process.killed = True  # its status is not 0
    wait_until(lambda: sources(site), "its source", 20)
    process.signal(signal.SIGTERM)
    assert process.wait(10) == 1
    assert sources(site) == [("running", None)] and "kpid gap retire" in process.log()


def test_doctor_says_how_to_finish_an_ingest(site, tmp_path):
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines(0, 100)))[:-4])
    ingest(site, path, status=1)
    site.pg.psql("UPDATE kpid.source_partition SET seen_at = seen_at - interval '1 day'", site.database)
    found = " ".join(site.command("doctor", status=None).stdout.split())
    assert "run kpid ingest with the same file" in found and "kpid gap retire 'ingest:events.ndjson.gz@" in found


@pytest.mark.parametrize("name", ["事" * 80 + ".ndjson", "a" * 250, "new\nline\x1b[31m", "gbk-\udcca\udcc2"],
                         ids=["80 Chinese characters", "long", "controls", "no UTF-8"])
def test_any_file_name(site, tmp_path, name):
    path = write(tmp_path / name, lines(0, 3))
    assert ingest(site, path)["lines"] == 3
    assert ingest(site, path)["skipped"] == 3
    assert n_tickets(site) == 3 and sources(site) == [("finished", 3)]
    assert site.one("SELECT topic FROM report.data_freshness").isprintable()


# ---- other processes, and signals ----

def test_two_at_once_and_the_second_is_killed(site, library, tmp_path):
    """The first process has read everything and is about to write it when the second claims the file and dies."""
    path = write(tmp_path / "events.ndjson", lines(0, 400))
    stop = failing_calls(site.binary, library, KPID_STOP="BEGIN:1")
    first = site.start_ingest(path, environment=stop)
    wait_until(lambda: "BEGIN:1 stops" in first.log(), "the first to stop")
    epoch = site.one("SELECT epoch FROM kpid.source_partition")
    second = site.start_ingest(path, environment=stop)
    wait_until(lambda: site.one("SELECT epoch FROM kpid.source_partition") > epoch and
               "BEGIN:1 stops" in second.log(), "the second to stop")
    second.kill()
    first.killed = True  # its status is not 0
    first.cont()
    assert first.wait() == 1
    assert n_tickets(site) == 0 and "another kpid ingest" in first.log()
    assert ingest(site, path)["lines"] == 400
    assert n_tickets(site) == 400 and sources(site) == [("finished", 400)]


def test_claimed_by_another_before_it_is_finished(site, tmp_path):
    """Another process claims the source at the very moment when the last line is committed."""
    site.pg.psql("CREATE FUNCTION claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                 "UPDATE kpid.source_partition SET epoch = epoch + 1 WHERE source_no = NEW.source_no; RETURN NULL; END $$; "
                 "CREATE CONSTRAINT TRIGGER claim AFTER UPDATE ON kpid.source_partition DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
                 "WHEN (OLD.next_offset IS DISTINCT FROM NEW.next_offset) EXECUTE FUNCTION claim()", site.database)
    path = write(tmp_path / "events.ndjson", lines(0, 400))
    assert "claimed by another run" in ingest(site, path, status=1)
    assert sources(site) == [("running", 400)]


# While it connects, queries, claims, writes the first and the last batch, and finishes.
@pytest.mark.parametrize("stop", ["PQconnectStartParams:1", "PQconnectStartParams:2", "BEGIN:1", "COMMIT:1", "BEGIN:3", "COMMIT:3",
                                  *(f"PQsendQueryPrepared:{n}" for n in (1, 2, 4, 6, 9, 20, 32))])
def test_a_signal_at_any_time_ends_with_0_only_if_all_is_there(site, library, tmp_path, stop):
    path = write(tmp_path / "events.ndjson", lines(0, 1400))
    process = site.start_ingest(path, environment=failing_calls(site.binary, library, KPID_STOP=stop))
    process.killed = True  # its status may be other than 0
    wait_until(lambda: f"{stop} stops" in process.log() or not process.running(), "it to stop")
    process.signal(number := signal.SIGINT if stop[-1] in "135" else signal.SIGTERM)
    process.cont()
    status = process.wait(10)
    finished = [state for state, _ in sources(site)] == ["finished"]
    if status == -number:
        assert stop == "PQconnectStartParams:1"  # it ends at once: nothing has begun
    else:
        assert status == (0 if n_tickets(site) == 1400 and finished else 1), process.log()
        assert ("not every line" in process.log()) == (status == 1)
    ingest(site, path)
    assert n_tickets(site) == 1400 and sources(site) == [("finished", 1400)]


def test_two_that_share_one_standard_input(site, tmp_path):
    """Each reads all of it: neither moves the read position of the other. One takes over, or finds the input
    finished."""
    with open(write(tmp_path / "events.ndjson", lines(0, 5000)), "rb") as file:
        both = [subprocess.Popen([site.binary, "ingest", "--config", site.ini, "-"], stdin=file, stdout=subprocess.DEVNULL)
                for _ in range(2)]
        assert 0 in [process.wait(PATIENCE) for process in both]
    assert n_tickets(site) == 5000 and sources(site) == [("finished", 5000)]
    assert site.one("SELECT count(*) FROM report.dead_letter") == 0


def test_a_stop_that_takes_too_long_ends_with_1(site, tmp_path):
    with site.pg.connect(site.database) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE kpid.ticket")
        process = site.start_ingest(write(tmp_path / "events.ndjson", lines(0, 1400)))
        process.killed = True  # its status is not 0
        wait_until(lambda: site.one("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0, "it to wait")
        process.signal(signal.SIGTERM)
        assert process.wait(10) == 1
    assert n_tickets(site) == 0


def test_connections_that_end_meanwhile(site, tmp_path):
    process = site.start_ingest(write(tmp_path / "events.ndjson", lines(0, 20_000)))
    for _ in range(3):
        site.wait_progress(1500)
        site.one("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'kpid' "
                 "AND datname = current_database()")
    assert process.wait() == 0
    assert n_tickets(site) == 20_000 and sources(site) == [("finished", 20_000)]


# ---- files that change ----

def paused_in_the_middle(site, path):
    process = site.start_ingest(path)
    site.wait_progress(2000)
    process.pause()
    assert site.n_read() < 20_000
    return process


def test_a_file_that_has_grown_goes_on_at_its_end(site, tmp_path):
    path = write(tmp_path / "events.ndjson", lines(0, 1000))
    ingest(site, path)
    with open(path, "ab") as file:
        file.write(b"\n".join(lines(1000, 1300)))  # the last line is not terminated
    report = ingest(site, path)
    assert (report["skipped"], report["lines"], report["messages"]) == (1000, 300, 1300)
    assert n_tickets(site) == 1300 and sources(site) == [("finished", 1300)]


def test_a_file_that_grows_while_it_is_read(site, tmp_path):
    path = write(tmp_path / "events.ndjson", lines(0, 20_000))
    process = paused_in_the_middle(site, path)
    with open(path, "ab") as file:
        file.write(b"\n".join(lines(20_000, 21_000)) + b"\n")
    process.cont()
    assert process.wait() == 0
    assert n_tickets(site) == 21_000 and sources(site) == [("finished", 21_000)]


@pytest.mark.parametrize("how", ["shortened", "replaced", "written over"])
def test_a_file_that_is_exchanged_while_it_is_read(site, tmp_path, how):
    path = write(tmp_path / "events.ndjson", lines(0, 20_000))
    process = paused_in_the_middle(site, path)
    others = lines(0, 1) + lines(30_000, 30_000 + (10 if how == "shortened" else 20_000))
    if how == "replaced":
        os.replace(write(tmp_path / "new", others), path)
    else:
        write(path, others)
    process.killed = True  # its status is not 0
    process.cont()
    assert process.wait() == 1
    assert {"written over": "changed"}.get(how, how) in process.log()
    assert "finished" not in [state for state, _ in sources(site)]
    assert ingest(site, path)["skipped"] == 0
    assert site.one("SELECT count(*) FROM kpid.ticket WHERE ticket_id >= 'T-3' AND length(ticket_id) = 7 "
                    "AND substr(ticket_id, 3)::integer >= 30000") == len(others) - 1


def test_a_corrected_file_is_read_again(site, tmp_path):
    path = write(tmp_path / "events.ndjson", [*lines(0, 5), b"no json", *lines(5, 10)])
    assert ingest(site, path)["dead_letters"] == 1
    write(path, [*lines(0, 5), *lines(99, 100), *lines(5, 10)])
    report = ingest(site, path)
    assert (report["skipped"], report["applied"], report["duplicates"], report["dead_letters"]) == (0, 1, 10, 0)
    assert n_tickets(site) == 11


def test_a_last_line_that_is_cut_is_read_when_it_is_whole(site, tmp_path):
    path, whole = tmp_path / "events.ndjson", b"\n".join(lines(0, 5)) + b"\n"
    path.write_bytes(whole[:-40])
    assert ingest(site, path)["dead_letters"] == 1
    path.write_bytes(whole)
    assert ingest(site, path)["applied"] == 1
    assert n_tickets(site) == 5


# ---- what counts as a line ----

def test_files_from_windows(site, tmp_path):
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n\r\n".join(lines(0, 4)) + b"\r\n \t\r\n\r\n")
    report = ingest(site, path)
    assert (report["applied"], report["dead_letters"]) == (4, 0)
    # Read as the same file without its carriage returns.
    path.write_bytes(b"\n\n".join(lines(0, 4)) + b"\n")
    assert ingest(site, path)["lines"] == 0
    assert n_tickets(site) == 4


def test_empty_files_and_strange_lines(site, tmp_path):
    empty = write(tmp_path / "empty.ndjson", [])
    assert ingest(site, empty)["messages"] == 0
    assert sources(site) == [("finished", None)]
    long = json.loads(lines(1, 2)[0])
    long["data"]["note"] = "x" * 65_536
    path = write(tmp_path / "strange.ndjson", [*lines(0, 1), json.dumps(long).encode(), b"\0\0\0", b"\xff\xfe",
                                               b"x" * 2_000_000, *lines(2, 3)])
    done = site.command("ingest", "--json", path)
    assert "line 5" in done.stderr and "longer than 1048576 bytes" in done.stderr
    report = json.loads(done.stdout)
    assert (report["applied"], report["dead_letters"], report["lines"]) == (2, 4, 6)
    assert [reason for reason, in site.rows("SELECT reason FROM report.dead_letter ORDER BY \"offset\"")] == [
        "too_large", "not_json", "not_json", "too_large"]


def test_gzip_members_joined(site, tmp_path):
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(b"".join(gzip.compress(b"\n".join(lines(i, i + 10)) + b"\n") for i in range(0, 50, 10)) + bytes(512))
    assert ingest(site, path)["applied"] == 50
