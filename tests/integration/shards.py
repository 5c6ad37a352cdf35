"""Several databases that share the tickets of one stream, and a coordinator that reads them as one."""
import contextlib
import os
import re

import pytest

import tables
from daemon import PATIENCE, Site, wait_until

PLPROXY = "/usr/share/postgresql/15/extension/plproxy.control"

# What a coordinator has in place of private tables.
PUBLIC = {"kpid.agent_backlog": "report.agent_backlog"}


class Shards:
    """The sites of all shards, and the database in which they are one."""

    def __init__(self, sites, coordinator):
        self.sites = sites
        self.coordinator = coordinator

    def start(self, name="a", **settings):
        for site in self.sites:
            site.start(name, **settings)

    def n_read(self):
        return sum(site.n_read() for site in self.sites)

    def wait_settled(self):
        for site in self.sites:
            site.wait_read()
        for site in self.sites:
            site.wait_settled()

    def file(self, sites=None):
        """The file that names the shards, for kpid federate."""
        path = os.path.join(self.coordinator.folder, "shards")
        with open(path, "w", encoding="utf-8") as file:
            file.write("# by index\n\n")
            for site in sites or self.sites:
                file.write(f"host=127.0.0.1 port={site.pg.port} dbname={site.database} user=postgres\n")
        return path

    def federate(self):
        return self.coordinator.command("federate", "--shards", self.file(), "--apply")

    def differences(self, expected):
        """How the coordinator differs from the tables of a recomputation."""
        actual = os.path.join(self.coordinator.folder, "actual")
        with contextlib.closing(self.coordinator.pg.connect(self.coordinator.database)) as connection:
            export(connection, actual)
        return tables.differences(expected, actual, tuple(name for name in tables.QUERIES if name != "sla_live"))


def export(connection, directory):
    os.makedirs(directory, exist_ok=True)
    with connection.cursor() as cursor:
        cursor.execute("SET timezone = 'UTC'")
        for name, query in tables.QUERIES.items():
            if name == "sla_live":
                continue
            for private, public in PUBLIC.items():
                query = query.replace(private, public)
            with open(os.path.join(directory, name + ".csv"), "w", encoding="utf-8") as out:
                cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)", out)


def coordinator(pg, binary, name, folder):
    """A site without a daemon, whose database is empty."""
    if not os.path.exists(PLPROXY):
        pytest.skip(f"there is no {PLPROXY}: a coordinator needs the package postgresql-15-plproxy")
    pg.create_database(name)
    return Site(pg, None, binary, name, folder)


def wait_for_end(daemon, words, status):
    """Waits until a daemon has ended with the status, and has said why."""
    assert daemon.wait(PATIENCE) == status, daemon.log()
    daemon.killed = True  # as the test expects
    assert re.search(words, daemon.log()), daemon.log()


__all__ = ["Shards", "coordinator", "wait_for_end", "wait_until"]
