"""deploy/compose.yaml and deploy/kubernetes/: valid, and all that they name is there: probes, ports, files, users, topics and roles."""
import glob
import json
import os
import re
import shutil
import subprocess
import urllib.parse

import jsonschema
import pytest
import yaml

from conftest import ROOT, run

COMPOSE = os.path.join(ROOT, "deploy/compose.yaml")
KUBERNETES = os.path.join(ROOT, "deploy/kubernetes")
PASSWORDS = {name: "secret" for name in ("KPID_ADMIN_PASSWORD", "KPID_PASSWORD", "KPID_BOARD_PASSWORD")}
POLICY = os.path.join(ROOT, "deploy/policy.minimal.json")


@pytest.fixture(scope="session")
def binary():
    path = os.path.abspath(os.environ.get("KPID_BINARY") or os.path.join(ROOT, "build/test/kpid"))
    assert os.access(path, os.X_OK), f"there is no {path}: build it (cmake --preset test && cmake --build --preset test)"
    return path


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def configuration(binary, tmp_path, folder, name):
    """The options in force by a configuration file, as {section.key: value}. Its secrets and its policy are there."""
    text = read(f"{folder}/{name}")
    for path in re.findall(r"(?m)^\w*_file = (/\S+)$", text):
        secret = tmp_path / os.path.basename(path)
        secret.write_text("c2VjcmV0LXdpdGgtZW5vdWdoLWJ5dGVz")
        secret.chmod(0o600)
        text = text.replace(path, str(secret))
    (tmp_path / "kpid.ini").write_text(text)
    shutil.copy(POLICY, tmp_path / "policy.json")
    run(binary, "check-config", "--config", str(tmp_path / "kpid.ini"))
    section, options = "", {}
    for line in run(binary, "check-config", "--config", str(tmp_path / "kpid.ini"), "--show").splitlines():
        if found := re.match(r"\[(.+)\]", line):
            section = found[1]
        elif found := re.match(r"([\w.-]+) = (.*)", line):
            options[f"{section}.{found[1]}"] = found[2]
    return options


def port_of(options, section):
    host, _, port = options[f"{section}.listen"].rpartition(":")
    assert host == "0.0.0.0", "a probe or a browser outside could not connect"
    return int(port)


def paths_served(source):
    """The paths that a file of the program answers."""
    return set(re.findall(r'TEXT\("(/\w+)"\)', read(source)))


# -- compose ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compose():
    if shutil.which("docker-compose") is None:
        pytest.skip("there is no docker-compose here")
    done = subprocess.run(["docker-compose", "--file", COMPOSE, "config"], env={**os.environ, **PASSWORDS}, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["services"]


def test_compose_asks_for_each_password(compose):
    for name in PASSWORDS:
        done = subprocess.run(["docker-compose", "--file", COMPOSE, "config"], capture_output=True, text=True, check=False,
                              env={**os.environ, **{other: "secret" for other in PASSWORDS if other != name}})
        assert done.returncode != 0 and name in done.stderr
    assert set(compose) == {"postgres", "kafka", "topics", "migrate", "logins", "kpid", "board", "prometheus"}


def test_compose_is_closed(compose):
    """Ports are open on this machine only, and the containers of kpid write nothing and have no rights."""
    for name, service in compose.items():
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), (name, port)
        if service["image"].startswith("kpid:"):
            assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name


def test_compose_names_what_is_there(compose, binary, tmp_path):
    options = configuration(binary, tmp_path, "deploy/compose", "kpid.ini")
    assert options["postgres.host"] in compose and options["kafka.bootstrap.servers"].partition(":")[0] in compose
    for name, service in compose.items():
        for volume in service.get("volumes", []):
            source = str(volume).partition(":")[0]
            assert not source.startswith(("/", ".")) or os.path.isfile(source), f"{name} mounts {source}, which does not exist"
    for service, section, source in (("kpid", "metrics", "daemon/app/metrics_endpoint.c"),
                                     ("board", "board", "daemon/adapters/http/health.c")):
        _, probe, port, path = compose[service]["healthcheck"]["test"]
        assert (probe, int(port)) == ("/usr/local/bin/kpid-probe", port_of(options, section)) and path in paths_served(source)
    page = port_of(options, "board")
    assert f"127.0.0.1:{page}:{page}" in [str(port).removesuffix("/tcp") for port in compose["board"]["ports"]]
    target = yaml.safe_load(read("deploy/compose/prometheus.yml"))["scrape_configs"][0]["static_configs"][0]["targets"][0]
    assert target == f"kpid:{port_of(options, 'metrics')}"


def test_compose_creates_the_topics_that_are_read(compose, binary, tmp_path):
    options = configuration(binary, tmp_path, "deploy/compose", "kpid.ini")
    created = set(re.search(r"for topic in ([^;]+);", compose["topics"]["command"][0])[1].split())
    read_topics = {name.removeprefix("topics.") for name in options if name.startswith("topics.")}
    assert created == read_topics | {options["alert.topic"]}


def test_the_logins_of_compose(pg, binary):
    """The script creates both logins with their passwords and the least rights, and can run again."""
    pg.create_database("compose")
    environment = {**os.environ, **pg.env("compose"), "KPID_PASSWORD": "it's", "KPID_BOARD_PASSWORD": "b"}
    run(binary, "migrate", "up", env={**environment, "KPID_CONFIG": "/dev/null"})
    for _ in range(2):
        run("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={ROOT}/deploy/compose/logins.sql", env=environment)
    with pg.connect("compose") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT m.member::regrole::text, m.roleid::regrole::text FROM pg_auth_members m "
                       "WHERE m.member::regrole::text IN ('kpid', 'kpid_page') ORDER BY 1")
        assert cursor.fetchall() == [("kpid", "kpid_writer"), ("kpid_page", "kpid_board")]
        cursor.execute("SELECT count(*) FROM pg_authid WHERE rolname IN ('kpid', 'kpid_page') AND rolpassword IS NOT NULL AND rolcanlogin")
        assert cursor.fetchone() == (2,)


# -- Kubernetes -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def objects():
    """What kustomize makes of the folder."""
    if shutil.which("kubectl") is None:
        pytest.skip("there is no kubectl here")
    return list(yaml.safe_load_all(run("kubectl", "kustomize", KUBERNETES)))


def pods(objects):
    return {item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in objects if "template" in item.get("spec", {})}


def schema_folders():
    return sorted(glob.glob(run("bash", "-c", ". deploy/lib/setup.sh; kpid_schemas_dir", cwd=ROOT).strip() + "/*"))


def faults_of(folder, item):
    """What the schema of an object says against it."""
    group, _, version = item["apiVersion"].rpartition("/")
    name = "-".join(part for part in (item["kind"].lower(), group.partition(".")[0], version) if part)
    with open(f"{folder}/{name}.json", encoding="utf-8") as file:
        schema = json.load(file)
    with open(f"{folder}/_definitions.json", encoding="utf-8") as file:
        definitions = json.load(file)
    place = urllib.parse.urljoin(schema.get("$id", ""), "/api/_definitions.json")  # where its references lead
    resolver = jsonschema.RefResolver.from_schema(schema, store={place: definitions})
    validator = jsonschema.Draft202012Validator(schema, resolver=resolver)
    return [f"{item['kind']} {item['metadata']['name']}: {error.message}" for error in validator.iter_errors(item)]


@pytest.mark.parametrize("place", ["oldest", "newest"])
def test_the_manifests_are_valid(objects, place):
    folders = schema_folders()
    if not folders:
        pytest.skip("the schemas of Kubernetes are not here: deploy/lib/setup.sh test fetches them")
    folder = min(folders) if place == "oldest" else max(folders)
    assert not [fault for item in objects for fault in faults_of(folder, item)]
    wrong = json.loads(json.dumps(next(item for item in objects if item["kind"] == "StatefulSet")))
    wrong["spec"]["template"]["spec"]["containers"][0]["no_such_field"] = 1
    assert faults_of(folder, wrong), "the schemas find nothing at all"


def test_every_pod_is_restricted(objects):
    """As the namespace demands: not root, a root file system that is read-only, no capabilities."""
    assert set(pods(objects)) == {"kpid", "kpid-board", "kpid-hook", "kpid-migrate"}
    uid = int(re.search(r"(?m)^uid=(\d+)$", read("deploy/package/image"))[1])
    version = re.search(r"(?m)^project\(kpid VERSION (\S+) ", read("CMakeLists.txt"))[1]
    assert f"kpid:{version}}}" in read("deploy/compose.yaml")
    for name, pod in pods(objects).items():
        assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] == uid, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True and security["allowPrivilegeEscalation"] is False, name
            assert security["capabilities"] == {"drop": ["ALL"]} and "memory" in container["resources"]["limits"], name
            assert container["image"] == f"kpid:{version}", name


@pytest.mark.parametrize("pod, ini, section, source", [
    ("kpid", "kpid.ini", "metrics", "daemon/app/metrics_endpoint.c"), ("kpid-board", "board.ini", "board", "daemon/adapters/http/health.c"),
    ("kpid-hook", "hook.ini", "hook", "daemon/adapters/http/health.c")])
def test_every_probe_and_port_exists(objects, binary, tmp_path, pod, ini, section, source):
    container, = pods(objects)[pod]["containers"]
    port = port_of(configuration(binary, tmp_path, "deploy/kubernetes", ini), section)
    ports = {entry["name"]: entry["containerPort"] for entry in container["ports"]}
    assert list(ports.values()) == [port]
    for kind, wanted in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        probe = container[kind]
        if "httpGet" in probe:
            assert ports[probe["httpGet"]["port"]] == port
            path = probe["httpGet"]["path"]
        else:
            program, number, path = probe["exec"]["command"]
            assert program == "/usr/local/bin/kpid-probe" and int(number) == port
        assert path == wanted and path in paths_served(source)
    service, = (item for item in objects if item["kind"] == "Service" and item["metadata"]["name"] == pod)
    assert ports[service["spec"]["ports"][0]["targetPort"]] == port
    template, = (item["spec"]["template"] for item in objects if item["metadata"]["name"] == pod and "template" in item.get("spec", {}))
    if annotations := template["metadata"].get("annotations"):
        assert int(annotations["prometheus.io/port"]) == port and annotations["prometheus.io/path"] in paths_served(source)


def test_services_and_budgets_select_their_pods(objects):
    labels = [item["spec"]["template"]["metadata"]["labels"] for item in objects if item["kind"] in ("StatefulSet", "Deployment")]
    selectors = [item["spec"]["selector"] for item in objects if item["kind"] == "Service"]
    selectors += [item["spec"]["selector"]["matchLabels"] for item in objects if item["kind"] == "PodDisruptionBudget"]
    assert len(selectors) == 4 and all(selector in labels for selector in selectors)


def test_configurations_and_secrets_that_pods_mount(objects):
    """Each has its configuration. The secrets that the administrator creates are those that docs/install.md creates."""
    maps = {item["metadata"]["name"] for item in objects if item["kind"] == "ConfigMap"}
    created = set(re.findall(r"create secret generic (\S+)", read("docs/install.md")))
    secrets = set()
    for name, pod in pods(objects).items():
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert volumes["configuration"]["configMap"]["name"] in maps, name
        assert volumes["secret"]["secret"]["defaultMode"] == 0o440, name  # kpid refuses a secret that others may read
        secrets.add(volumes["secret"]["secret"]["secretName"])
    assert secrets == created


def test_the_policy_is_the_smallest_sample():
    assert read("deploy/kubernetes/policy.json") == read("deploy/policy.minimal.json")
