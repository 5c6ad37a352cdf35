"""A network of a daemon's own, that can be cut without a word: no reset, no end of a connection, only silence."""
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)  # before any fork
HERE = os.path.dirname(os.path.abspath(__file__))
# In there, somebody has to listen where Kafka says that it does.
FORWARD = "import sys, time, network\nnetwork.Forwarder(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))\n" \
    "print('ready', flush=True)\ntime.sleep(1e6)"


def why_not():
    """Why this machine gives no such network, or None."""
    for program in ("ip", "unshare", "nsenter"):
        if shutil.which(program) is None:
            return f"there is no {program} here"
    done = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"no network can be made here: {done.stderr.strip()}"


def end_with_us():
    """Before a program is executed: it must not outlive the test run."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(*command):
    """What a command said; OSError if it did not work."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Forwarder:
    """Listens at an address and passes everything on to another, both ways."""

    def __init__(self, host, port, to_host, to_port):
        self.to = to_host, to_port
        self.listener = socket.create_server((host, port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection(self.to)
        except OSError:
            client.close()
            return
        threading.Thread(target=self._pass, args=(client, server), daemon=True).start()
        self._pass(server, client)

    @staticmethod
    def _pass(source, target):
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):  # the other direction ends as well
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


class Network:
    """Leads to one PostgreSQL and one Kafka; `command` goes before a program that is to run in it."""

    def __init__(self, pg_port, kafka_port):
        number = os.getpid() % (1 << 14)  # of a /30 in 10.213.0.0/16: several runs do not collide
        self.here, self.there = (f"10.213.{number >> 6}.{(number & 63) * 4 + host}" for host in (1, 2))
        self.link = f"kpid{number}"
        self.processes = []
        self.holder = self._start(["unshare", "--net", "sh", "-c", "echo ready; exec sleep 1000000"])
        self.command = ["nsenter", "--net", "--target", str(self.holder.pid)]
        run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "outside", "netns", str(self.holder.pid))
        run("ip", "address", "add", f"{self.here}/30", "dev", self.link)
        run("ip", "link", "set", self.link, "up")
        for words in ("address add " + self.there + "/30 dev outside", "link set outside up", "link set lo up"):
            run(*self.command, "ip", *words.split())
        self.forwarders = [Forwarder(self.here, 0, "127.0.0.1", port) for port in (pg_port, kafka_port)]
        self.pg_port = self.forwarders[0].port
        self._start([*self.command, sys.executable, "-c", FORWARD, "127.0.0.1", str(kafka_port), self.here,
                     str(self.forwarders[1].port)])

    def _start(self, command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, preexec_fn=end_with_us,
                                   env={**os.environ, "PYTHONPATH": HERE, "PYTHONDONTWRITEBYTECODE": "1"})
        self.processes.append(process)
        if process.stdout.readline() != "ready\n":
            raise OSError(f"{command} did not start")
        return process

    def silence(self):
        """From now on nothing comes through, in either direction, and nobody is told."""
        run("ip", "route", "add", "blackhole", f"{self.there}/32")
        run(*self.command, "ip", "route", "add", "blackhole", f"{self.here}/32")

    def heal(self):
        run("ip", "route", "delete", "blackhole", f"{self.there}/32")
        run(*self.command, "ip", "route", "delete", "blackhole", f"{self.here}/32")

    def close(self):
        for forwarder in self.forwarders:
            forwarder.close()
        for process in reversed(self.processes):
            process.kill()
            process.wait()
            process.stdout.close()
        subprocess.run(["ip", "link", "delete", self.link], capture_output=True, check=False)  # goes with its other end
