"""Settings that every session of kpid makes for itself, regardless of those of its role or database."""
import os

import pytest

FILE = os.path.join(os.path.dirname(__file__), "..", "..", "sql", "queries", "session_begin.sql")
WANTED = {
    # Settings that could change a figure.
    "search_path": "pg_catalog, pg_temp", "TimeZone": "UTC", "DateStyle": "ISO, YMD", "IntervalStyle": "postgres",
    "bytea_output": "hex", "standard_conforming_strings": "on", "extra_float_digits": "1", "array_nulls": "on",
    "transform_null_equals": "off", "default_transaction_isolation": "read committed",
    # A dead client is detected.
    "tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "2", "tcp_user_timeout": "15000",
    # The session stays open and blocks nobody.
    "idle_session_timeout": "0", "statement_timeout": "0", "idle_in_transaction_session_timeout": "1min", "lock_timeout": "5s",
    "jit": "off",
}
OTHERWISE = {"search_path": "public", "TimeZone": "Asia/Kathmandu", "DateStyle": "SQL, DMY", "IntervalStyle": "sql_standard",
             "bytea_output": "escape", "standard_conforming_strings": "off", "extra_float_digits": "-15", "array_nulls": "off",
             "transform_null_equals": "on", "default_transaction_isolation": "serializable", "idle_session_timeout": "1h",
             "statement_timeout": "1h", "lock_timeout": "1h", "jit": "on"}


@pytest.fixture
def session(pg):
    connection = pg.connect("postgres", options=" ".join(
        f"-c {name}={value}".replace(", ", ",") for name, value in OTHERWISE.items()))
    yield connection.cursor()
    connection.close()


def begin(cursor):
    with open(FILE, encoding="utf-8") as file:
        cursor.execute(file.read())
    return cursor.fetchone()


def setting(cursor, name):
    cursor.execute("SELECT current_setting(%s)", (name,))
    return cursor.fetchone()[0]


def test_a_session_sets_its_settings(session):
    before = {name: setting(session, name) for name in OTHERWISE}
    in_recovery, read_only, pid, _ = begin(session)
    assert (in_recovery, read_only) == (False, False)
    assert pid == session.connection.info.backend_pid
    assert {name: setting(session, name) for name in WANTED} == WANTED
    assert all(before[name] != WANTED[name] for name in OTHERWISE)


def test_a_read_only_session_is_detected(session):
    session.execute("SET default_transaction_read_only = on")
    assert begin(session)[:2] == (False, True)
