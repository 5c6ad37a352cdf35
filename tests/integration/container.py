"""A machine in a container: this machine's files and network, and its own systemd as the first process."""
import contextlib
import os
import shutil
import signal
import subprocess
import time

import network
from daemon import wait_until

TARGET = """[Unit]
Description=Nothing but kpid
Requires=basic.target
Wants=kpid.service
After=basic.target
AllowIsolate=yes
"""


class Container:
    """Everything that is written below `root` disappears with the container. Raises OSError if the machine does not
    allow containers."""

    def __init__(self, folder, name):
        self.folder, self.name = str(folder), name
        self.root = os.path.join(self.folder, "root")
        self.process = None
        self.log_path = os.path.join(self.folder, "console.log")
        for program in ("systemd-nspawn", "nsenter", "mount"):
            if shutil.which(program) is None:
                raise OSError(f"there is no {program} here")
        os.makedirs(self.folder, exist_ok=True)
        network.run("mount", "-t", "tmpfs", "tmpfs", self.folder)
        for part in ("root", "upper", "work"):
            os.mkdir(os.path.join(self.folder, part))
        try:
            network.run("mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir=/,upperdir={self.folder}/upper,workdir={self.folder}/work", self.root)
        except OSError:
            self.close()
            raise

    def path(self, inside):
        return os.path.join(self.root, inside.lstrip("/"))

    def write(self, inside, text, group=None, mode=0o644):
        path = self.path(inside)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        if group:
            network.run("chroot", self.root, "chgrp", group, inside)

    def boot(self):
        self.write("/etc/systemd/system/kpid-alone.target", TARGET)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["systemd-nspawn", f"--directory={self.root}", f"--machine={self.name}", "--register=no", "--keep-unit", "--quiet",
                 "--boot", "systemd.unit=kpid-alone.target"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=network.end_with_us)
        wait_until(lambda: self.systemctl("is-system-running").strip() not in ("", "offline", "unknown"), self.console)

    def console(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return f"{self.name} to be up:\n{file.read()[-2000:]}"

    def leader(self):
        """The host's process ID of its first process; None: not started yet."""
        if self.process.poll() is not None:
            raise OSError(self.console())
        with contextlib.suppress(OSError):
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
                for pid in file.read().split():
                    if os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid"):
                        return int(pid)
        return None

    def run(self, *command):
        """Runs a command inside; returns its output."""
        leader = self.leader()
        if leader is None:
            return ""
        return subprocess.run(["nsenter", "--target", str(leader), "--all", *command], capture_output=True, text=True, check=False,
                              timeout=60).stdout

    def systemctl(self, *arguments):
        return self.run("systemctl", *arguments)

    def property(self, name, unit="kpid.service"):
        return self.systemctl("show", "--value", f"--property={name}", unit).strip()

    def journal(self, unit="kpid.service"):
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}")

    def close(self):
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)  # asks its systemd to halt
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(20)
            self.process.kill()
            self.process.wait()
        for path in (self.root, self.folder):
            for _ in range(50):
                if subprocess.run(["umount", path], capture_output=True, check=False).returncode == 0 or not os.path.ismount(path):
                    break
                time.sleep(0.1)
