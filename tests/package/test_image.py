"""The container image: small, its user is not root, and its programs work with a root file system that is read-only."""
import glob
import json
import os
import shutil
import subprocess

import pytest

from conftest import ROOT, run
from daemon import Site, Stream, create_migrated, event, policy, wait_until

MOST_BYTES = 60 * 1000 * 1000
# crun refuses machines with both versions of control groups, which it does not need here: it sees the second one alone.
UNIFIED = 'mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null; exec "$0" "$@"'


class Image:
    """The layout of an image, and its root file system beside a configuration for crun."""

    def __init__(self, archive, folder):
        self.layout = folder / "layout"
        self.layout.mkdir()
        run("tar", "-xf", archive, "-C", str(self.layout))
        self.manifest = self._blob(json.loads((self.layout / "index.json").read_text())["manifests"][0])
        self.config = self._blob(self.manifest["config"])
        self.tag = run("umoci", "ls", "--layout", str(self.layout)).strip()
        self.bundle = folder / "bundle"
        run("umoci", "unpack", "--image", f"{self.layout}:{self.tag}", str(self.bundle))
        self.root = self.bundle / "rootfs"

    def _blob(self, descriptor):
        return json.loads((self.layout / "blobs" / descriptor["digest"].replace(":", "/")).read_text())

    def run(self, name, *arguments, mounts=(), environment=(), program=None):
        """The command that runs `kpid ARGUMENT...` in a container with the network of this machine."""
        spec = json.loads((self.bundle / "config.json").read_text())
        spec["process"]["args"] = [program or "/usr/bin/kpid", *arguments]
        spec["process"]["terminal"] = False
        spec["process"]["env"] += [f"{key}={value}" for key, value in environment]
        spec["process"]["noNewPrivileges"] = True
        spec["process"]["capabilities"] = {}
        spec["root"]["readonly"] = True
        spec["linux"]["namespaces"] = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
        spec["linux"].pop("resources", None)
        spec["mounts"] = [mount for mount in spec["mounts"] if mount["destination"] in ("/proc", "/dev", "/dev/pts", "/dev/shm")]
        spec["mounts"] += [{"destination": inside, "type": "bind", "source": outside, "options": ["bind", "ro"]}
                           for outside, inside in mounts]
        bundle = self.bundle.parent / name
        bundle.mkdir()
        (bundle / "config.json").write_text(json.dumps({**spec, "root": {"path": str(self.root), "readonly": True}}))
        return ["unshare", "--mount", "sh", "-c", UNIFIED, "crun", "--cgroup-manager=disabled", f"--root={self.bundle.parent}/state", "run",
                f"--bundle={bundle}", f"kpid-{os.getpid()}-{name}"]


@pytest.fixture(scope="session")
def archive(deb, tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("needs root: it creates a root file system")
    folder = os.environ.get("KPID_PACKAGE")
    found = glob.glob(f"{folder}/kpid_*.oci.tar") if folder else []
    if found:
        return found[0]
    folder = tmp_path_factory.mktemp("image")
    return run(f"{ROOT}/deploy/package/image", "--no-setup", "--deb", deb, "--output", str(folder)).strip()


@pytest.fixture(scope="session")
def image(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked-image")
    folder.chmod(0o755)
    yield Image(archive, folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def starts(image):
    """Skips where the machine allows no containers."""
    done = subprocess.run(image.run("try", "version"), capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0 and "kpid" not in done.stdout:
        pytest.skip(f"this machine starts no container: {done.stderr.strip()[-300:]}")
    assert done.stdout.startswith("kpid ")


def test_it_is_small(image):
    size = sum(layer["size"] for layer in image.manifest["layers"])
    assert size < MOST_BYTES, f"{size / 1e6:.1f} MB"
    assert all(layer["mediaType"].endswith("+gzip") for layer in image.manifest["layers"])


def test_what_it_says_about_itself(image, deb):
    config = image.config["config"]
    version = run("dpkg-deb", "--field", deb, "Version").strip()
    assert image.tag == version == config["Labels"]["org.opencontainers.image.version"]
    assert config["User"] == "10001:10001" and config["Entrypoint"] == ["/usr/bin/kpid"] and config["Cmd"] == ["run"]
    assert config["StopSignal"] == "SIGTERM" and set(config["ExposedPorts"]) == {"8420/tcp", "8421/tcp", "8422/tcp"}
    assert image.config["architecture"] == run("dpkg", "--print-architecture").strip() and image.config["os"] == "linux"


def test_what_is_in_it(image):
    """The package, the user, certificates, time zones and the list of packages; neither manuals nor lists of apt."""
    for path in ("usr/bin/kpid", "usr/local/bin/kpid-probe", "etc/ssl/certs/ca-certificates.crt", "usr/share/zoneinfo/Asia/Shanghai",
                 "var/lib/dpkg/status", "usr/share/kpid/policy.schema.json", "usr/share/doc/kpid/copyright"):
        assert (image.root / path).is_file(), path
    assert "kpid:x:10001:10001:" in (image.root / "etc/passwd").read_text()
    assert "Package: kpid\n" in (image.root / "var/lib/dpkg/status").read_text()
    for path in ("usr/share/man/man1", "usr/share/locale/de", "usr/bin/apt"):
        assert not (image.root / path).exists(), path
    assert not list((image.root / "var/lib/apt/lists").glob("*Packages*"))
    loose = run("find", str(image.root), "-xdev", "-perm", "-4000", "-user", "10001").split()
    assert not loose


def test_the_daemon_and_the_board_run_from_it(image, starts, pg, kafka, tmp_path):
    """As their user, without rights, and without writing a file; probes answer; SIGTERM ends them with status 0."""
    binary = os.environ.get("KPID_BINARY") or f"{ROOT}/build/test/kpid"
    create_migrated(pg, os.path.abspath(binary), "contained")
    stream = Stream(kafka, "contained", 2)
    site = Site(pg, kafka, binary, "contained", tmp_path / "site", stream, policy(first_response="1h"),
                {"metrics": {"listen": "127.0.0.1:18421"}, "board": {"listen": "127.0.0.1:18420"}})
    os.chmod(site.ini, 0o600)
    for path in (tmp_path / "site", site.ini, site.policy_path):
        os.chown(path, 10001, 10001)
    mounts = [(site.folder, "/etc/kpid")]
    sets = ["--set", "sla.policy_file=/etc/kpid/policy.json"]
    started = {name: subprocess.Popen(image.run(name, name, *sets, mounts=mounts), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=open(tmp_path / f"{name}.log", "wb")) for name in ("run", "board")}
    try:
        def logs():
            return "\n".join((tmp_path / f"{name}.log").read_text()[-1500:] for name in started)

        def ready(port):
            done = subprocess.run(image.run(f"probe-{port}-{len(os.listdir(image.bundle.parent))}", str(port), "/readyz",
                                            program="/usr/local/bin/kpid-probe"), capture_output=True, check=False, timeout=60)
            return done.returncode == 0
        stream.send_events([event("ticket.opened", f"T{i}", agent_id="ann") for i in range(50)])
        site.wait_read()
        assert site.one("SELECT count(*) FROM report.ticket") == 50
        wait_until(lambda: ready(18421), logs, every=0.5)
        wait_until(lambda: ready(18420), logs, every=0.5)
        assert not ready(1)
        for process in started.values():
            children = open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii").read().split()
            pid = children[0] if children else str(process.pid)
            status = open(f"/proc/{pid}/status", encoding="ascii").read()
            assert "Uid:\t10001\t" in status and "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status
    finally:
        for process in started.values():
            process.terminate()
        statuses = [process.wait(30) for process in started.values()]
        site.close()
    assert statuses == [0, 0], statuses
