"""A network namespace for kpid with one link to PostgreSQL and one to the brokers; either link can drop every packet."""
import os
import sys

import network


class Outside:
    """The namespace and its two links; `command` goes before a program that runs in it. Both servers see its address: no
    proxy keeps their connections open when a link is cut."""

    def __init__(self):
        why = network.why_not()
        if why:
            raise OSError(why)
        self._processes = []
        self._forwarders = []
        self._holder = self._start(["unshare", "--net", "sh", "-c", "echo ready; exec sleep 1000000"])
        self.command = ["nsenter", "--net", "--target", str(self._holder.pid)]
        number = os.getpid() % 128  # several runs side by side do not collide
        self.postgres = self._link(f"kpidp{number}", f"10.214.{number * 2}")
        self.kafka = self._link(f"kpidk{number}", f"10.214.{number * 2 + 1}")

    def _link(self, name, subnet):
        return network.Link(name, f"{subnet}.1", f"{subnet}.2", 24, self._holder.pid)

    def _start(self, command):
        self._processes.append(network.start(command))
        return self._processes[-1]

    def reach_kafka(self, port):
        """Makes a broker that advertises 127.0.0.1 reachable at that address from inside."""
        self._forwarders.append(network.Forwarder(self.kafka.here, 0, "127.0.0.1", port))
        self._start([*self.command, sys.executable, "-c", network.FORWARD, "127.0.0.1", str(port), self.kafka.here,
                     str(self._forwarders[-1].port)])

    def admit_to(self, pg):
        """Lets a PostgreSQL that listens on postgres.here accept connections from inside."""
        with open(os.path.join(pg.home, "data", "pg_hba.conf"), "a", encoding="utf-8") as file:
            file.write(f"host all all {self.postgres.there}/32 trust\n")
        pg.psql("SELECT pg_reload_conf()")

    def close(self):
        for forwarder in self._forwarders:
            forwarder.close()
        self.postgres.close()
        self.kafka.close()
        for process in reversed(self._processes):
            network.end(process)
