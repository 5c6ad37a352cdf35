"""The Debian package: what is in it, that it follows Debian's rules, and that the same checkout gives the same bytes."""
import glob
import gzip
import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, run


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def commands(unpacked):
    return re.findall(r"(?m)^  ([a-z-]+) ", re.search(r"Commands:\n(.*?)\n\n", run(unpacked / "usr/bin/kpid", "--help"), re.S)[1])


def test_lintian_finds_nothing(deb):
    """What is not repaired is in debian/kpid.lintian-overrides, with its reason."""
    found = run("lintian", "--pedantic", "--display-info", "--allow-root", "--fail-on", "none", deb)
    assert not re.findall(r"(?m)^[EWIP]: .*", found), found


def test_every_override_has_a_reason():
    lines = read("debian/kpid.lintian-overrides").splitlines()
    for before, line in zip([""] + lines, lines):
        if line and not line.startswith("#"):
            assert before.startswith("#") and len(before) > 20, line


def test_the_version_is_that_of_the_program(deb, unpacked):
    version = run("dpkg-deb", "--field", deb, "Version").strip()
    assert re.search(rf"(?m)^project\(kpid VERSION {re.escape(version)} ", read("CMakeLists.txt"))
    assert f"kpid {version}\n" in run(unpacked / "usr/bin/kpid", "version")


def test_the_build_needs_what_setup_installs():
    """debian/control and deploy/lib/setup.sh name the same packages. A compiler is part of every build of Debian."""
    field = re.search(r"(?m)^Build-Depends:\n((?: .*\n)+)", read("debian/control"))[1]
    named = {re.match(r" ([a-z0-9.+-]+)", line)[1] for line in field.splitlines()}
    needed = run("bash", "-c", ". deploy/lib/setup.sh; echo ${KPID_PACKAGES_build[@]}", cwd=ROOT).split()
    assert named - {"debhelper-compat", "dh-sequence-installsysusers"} == set(needed) - {"gcc"}


def test_it_has_what_is_installed(unpacked):
    for path in ("lib/systemd/system/kpid.service", "lib/systemd/system/kpid-board.socket", "lib/systemd/system/kpid-hook.service",
                 "usr/lib/sysusers.d/kpid.conf", "usr/lib/tmpfiles.d/kpid.conf", "usr/share/bash-completion/completions/kpid",
                 "usr/share/doc/kpid/copyright", "usr/share/doc/kpid/changelog.gz", "usr/share/doc/kpid/docs/install.md",
                 "usr/share/doc/kpid/examples/policy.minimal.json", "usr/share/kpid/policy.schema.json",
                 "usr/share/man/man1/kpid.1.gz", "usr/share/man/man5/kpid.ini.5.gz"):
        assert (unpacked / path).is_file(), path
    for unit in glob.glob(f"{unpacked}/lib/systemd/system/*.service"):
        assert re.search("(?m)^ExecStart=/usr/bin/kpid ", open(unit, encoding="utf-8").read()), unit


def test_each_command_has_a_manual_page(unpacked):
    names = commands(unpacked)
    pages = {os.path.basename(path) for path in glob.glob(f"{unpacked}/usr/share/man/man1/*")}
    assert pages == {"kpid.1.gz", *(f"kpid-{name}.1.gz" for name in names)} and len(names) > 15
    for name in names:
        with gzip.open(unpacked / f"usr/share/man/man1/kpid-{name}.1.gz", "rt", encoding="utf-8") as file:
            page = file.read().replace("\\-", "-").replace("\\e", "\\").replace("\\&", "")
        printed = run(unpacked / "usr/bin/kpid", name, "--help")
        assert all(line in page for line in printed.splitlines()[4:]), name  # as its help, word by word
        described = re.search(r"\.SH DESCRIPTION\n(.*?)\n\.SH ", page, re.S)[1]
        assert len(described) > 30, f"kpid.1 says nothing about {name}"


def test_manual_pages_of_different_commands_differ(unpacked):
    """The part of kpid.1 about `gap` is not on the page of `verify`."""
    with gzip.open(unpacked / "usr/share/man/man1/kpid-verify.1.gz", "rt", encoding="utf-8") as file:
        page = file.read()
    assert "--repair" in page.replace("\\-", "-") and "partitions that stopped" not in page


COMPLETE = """
. "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_kpid
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(unpacked, *words):
    """What the shell offers for the last word."""
    return run("bash", "-c", COMPLETE, "bash", unpacked / "usr/share/bash-completion/completions/kpid", "kpid", *words).split()


@pytest.mark.parametrize("words, offered", [
    (["mi"], ["migrate"]),
    (["migrate", ""], ["up", "status", "verify"]),
    (["--config", "/etc/kpid/kpid.ini", "migrate", "st"], ["status"]),
    (["--set", "run.lanes", "=", "2", "migrate", "u"], ["up"]),
    (["migrate", "up", ""], []),  # a file, if anything
    (["migrate", "up", "--dr"], ["--dry-run"]),
    (["explain", "--j"], ["--json"]),
    (["appraisal", "show", "--lang", ""], ["zh", "en"]),
    (["help", "verif"], ["verify"]),
    (["--ver"], ["--version"]),
    (["run", "--config", ""], []),
])
def test_bash_completes(unpacked, words, offered):
    assert completed(unpacked, *words) == offered


def test_bash_completes_every_command(unpacked):
    assert completed(unpacked, "") == [*commands(unpacked), "help"]


def options_in_code():
    """(command, option) of each option that a command accepts."""
    for path in sorted(glob.glob(f"{ROOT}/daemon/cli/cmd_*.c")):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        command = os.path.basename(path)[4:-2].replace("_", "-")
        for name in re.findall(r'\{"([a-z][a-z-]+)", (?:required_argument|no_argument)', text):
            yield command, name


def test_bash_completes_every_option(unpacked):
    """So the help names every option, from which the completion comes."""
    pairs = list(options_in_code())
    assert len(pairs) > 40
    missing = [f"{command} --{name}" for command, name in pairs if f"--{name}" not in completed(unpacked, command, "--")]
    assert missing == ["check-config --metrics"]  # for tests/docs/generate only


def test_another_build_gives_the_same_bytes(built, tmp_path):
    """In another folder, at another time, in another zone and with another umask."""
    folder = tmp_path / "a longer name"
    done = subprocess.run(["bash", "-c", 'umask 077; exec "$0" --no-setup --output "$1"', f"{ROOT}/deploy/package/deb", folder],
                          env={**os.environ, "TMPDIR": str(tmp_path), "TZ": "Asia/Shanghai", "LANG": "zh_CN.UTF-8", "USER": "somebody"},
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = [os.path.basename(path) for path in sorted(glob.glob(f"{built}/*.deb") + glob.glob(f"{built}/*.spdx.json"))]
    assert len(names) == 3, names
    for name in names:
        pair = [f"{built}/{name}", f"{folder}/{name}"]
        if subprocess.run(["cmp", "--quiet", *pair], check=False).returncode != 0:
            tool = ["diffoscope", "--text=-"] if shutil.which("diffoscope") else ["cmp"]
            shown = subprocess.run([*tool, *pair], capture_output=True, text=True, check=False).stdout
            pytest.fail(f"{name} differs:\n{shown[:5000]}")
