"""A service manager, as far as a daemon sees it: the socket to which it sends its state (sd_notify(3))."""
import os
import shutil
import socket
import tempfile


class ServiceManager:
    """Pass `environment` to a daemon."""

    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="kpid-notify-")
        path = os.path.join(self._folder, "socket")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": path}
        self.statuses = []  # all that were sent
        self._is_ready = False

    def _read(self):
        while True:
            try:
                lines = self._socket.recv(1 << 16).decode().split("\n")
            except BlockingIOError:
                return
            self._is_ready = self._is_ready or "READY=1" in lines
            self.statuses += [line.removeprefix("STATUS=") for line in lines if line.startswith("STATUS=")]

    def status(self):
        """What `systemctl status` would show now."""
        self._read()
        return self.statuses[-1] if self.statuses else None

    def is_ready(self):
        self._read()
        return self._is_ready

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        shutil.rmtree(self._folder)
