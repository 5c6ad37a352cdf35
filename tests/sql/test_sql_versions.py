"""The schema on the other supported versions of PostgreSQL: the oldest available 15, 17 and 18."""
import contextlib
import os

import pytest

from conftest import insert_some, rows
from servers import Postgres, other_postgres_versions, postgres_directory


def test_later_major_versions_and_the_oldest_15_are_available():
    majors = [version.split(".")[0] for version in other_postgres_versions()]
    assert sorted(majors) == ["15", "17", "18"]


@pytest.mark.parametrize("version", other_postgres_versions())
def test_migrate_up_on_an_empty_and_on_a_filled_database(build, version):
    if not os.path.isdir(postgres_directory(version)):
        pytest.skip(f"no PostgreSQL {version}: deploy/lib/setup.sh test fetches it")
    with Postgres(settings={"fsync": "off"}, version=version) as server:
        program = build(server=server)
        server.create_database("shop")
        program("shop", "up")
        assert program.json("shop", "verify")["ok"] is True
        with contextlib.closing(server.connect("shop")) as connection:
            assert rows(connection, "SHOW server_version")[0][0].startswith(version.removesuffix(".0"))
            insert_some(connection)
            for (view,) in rows(connection, "SELECT viewname FROM pg_views WHERE schemaname = 'report'"):
                rows(connection, f"SELECT * FROM report.{view}")
        assert program("shop", "up").stdout == "nothing to do\n"
