"""A network namespace for a daemon, which can be cut silently: no reset, no end of a connection."""
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
# Inside, something must listen on the address that Kafka advertises.
FORWARD = "import sys, time, network\nnetwork.Forwarder(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))\n" \
    "print('ready', flush=True)\ntime.sleep(1e6)"


def why_not():
    """Why this machine offers no such network, or None."""
    for program in ("ip", "unshare", "nsenter"):
        if shutil.which(program) is None:
            return f"there is no {program} here"
    done = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"no network can be made here: {done.stderr.strip()}"


def end_with_us():
    """Called before a program is executed: makes it end with the test run."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(*command):
    """The output of a command; raises OSError if it failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def start(command):
    """A program that prints "ready" first."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, preexec_fn=end_with_us,
                               env={**os.environ, "PYTHONPATH": HERE, "PYTHONDONTWRITEBYTECODE": "1"})
    if process.stdout.readline() != "ready\n":
        end(process)
        raise OSError(f"{command} did not start")
    return process


def end(process):
    process.kill()
    process.wait()
    process.stdout.close()


class Forwarder:
    """Listens on an address and forwards everything to another, in both directions."""

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


class Link:
    """A veth pair into the network namespace of a process: `here` is an address of this side, `there` of the inside."""

    def __init__(self, name, here, there, prefix_length, holder_pid):
        self.name, self.here, self.there = name, here, there
        self.enter = ["nsenter", "--net", "--target", str(holder_pid)]  # before a command that is to run inside
        inside = f"{name}i"
        run("ip", "link", "add", name, "type", "veth", "peer", "name", inside, "netns", str(holder_pid))
        run("ip", "address", "add", f"{here}/{prefix_length}", "dev", name)
        run("ip", "link", "set", name, "up")
        for words in (f"address add {there}/{prefix_length} dev {inside}", f"link set {inside} up", "link set lo up"):
            run(*self.enter, "ip", *words.split())

    def cut(self):
        """From now on nothing passes in either direction, and neither side is notified."""
        run("ip", "route", "add", "blackhole", f"{self.there}/32")
        run(*self.enter, "ip", "route", "add", "blackhole", f"{self.here}/32")

    def heal(self):
        run("ip", "route", "delete", "blackhole", f"{self.there}/32")
        run(*self.enter, "ip", "route", "delete", "blackhole", f"{self.here}/32")

    def close(self):
        subprocess.run(["ip", "link", "delete", self.name], capture_output=True, check=False)  # removed with its other end


class Network:
    """Connects to one PostgreSQL and one Kafka. `command` runs a program inside."""

    def __init__(self, pg_port, kafka_port):
        number = os.getpid() % (1 << 14)  # a /30 of 10.213.0.0/16: parallel runs do not collide
        self.here, there = (f"10.213.{number >> 6}.{(number & 63) * 4 + host}" for host in (1, 2))
        self.processes = []
        self.holder = self._start(["unshare", "--net", "sh", "-c", "echo ready; exec sleep 1000000"])
        self.link = Link(f"kpid{number}", self.here, there, 30, self.holder.pid)
        self.command = self.link.enter
        self.forwarders = [Forwarder(self.here, 0, "127.0.0.1", port) for port in (pg_port, kafka_port)]
        self.pg_port = self.forwarders[0].port
        self._start([*self.command, sys.executable, "-c", FORWARD, "127.0.0.1", str(kafka_port), self.here,
                     str(self.forwarders[1].port)])

    def _start(self, command):
        self.processes.append(start(command))
        return self.processes[-1]

    def close(self):
        for forwarder in self.forwarders:
            forwarder.close()
        for process in reversed(self.processes):
            end(process)
        self.link.close()
