# What every kind of demo needs: words, processes, the folder, the build, the servers. Sourced by deploy/demo.

PG_BIN=/usr/lib/postgresql/15/bin
build=${KPID_BUILD:-$root/build/release}
folder=''    # of this run
kept=false   # it stays
current=''   # what is being done, for the message when it fails
bootstrap='' # of the broker

# -- words -------------------------------------------------------------------------------------------------------------

title() { printf '\n%s\n\n' "$*"; }

# A line of the preparations: "label  text", the label first and the text when it is done.
begin() {
    current=$1
    printf '  %-12s' "$1"
}
done_with() { printf '%s\n' "$*"; }

indent() { sed "s/^/${1:-        }/; s/[[:space:]]*\$//"; }

usage_error() {
    printf 'demo: %s (deploy/demo --help)\n' "$*" >&2
    exit 2
}

# Ends the demo: says why, and what the daemon last said.
die() {
    printf '\n' >&2
    [ -z "$folder" ] || [ ! -s "$folder/kpid.log" ] || {
        printf 'The last lines of the daemon:\n' >&2
        tail -n 15 "$folder/kpid.log" | indent '    ' >&2
    }
    printf 'demo failed: %s\n' "$*" >&2
    exit 1
}

# The same with the output of the command that failed.
die_showing() {
    printf '\n' >&2
    tail -n 30 "$1" | indent '    ' >&2
    shift
    die "$@"
}

# -- processes ---------------------------------------------------------------------------------------------------------

# When a process was started, in clock ticks since boot: with its number this names a process for good.
birth_of() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return
    # The name, in parentheses, may hold anything.
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    [ "$1" != Z ] && printf '%s\n' "${20}"
}

# start NAME COMMAND...: in the background, in a session of its own (Ctrl-C is for this script), its output in
# NAME.out, its words in NAME.log.
start() {
    local name=$1
    shift
    (cd "$folder" && exec setsid "$@") </dev/null >"$folder/$name.out" 2>>"$folder/$name.log" &
    printf '%s %s %s\n' "$name" $! "$(birth_of $!)" >>"$folder/processes"
    [ "$name" = kpid ] || disown $! # how the daemon ends will be asked for
}

# Whether the process that was started under this name is there.
alive() {
    local name pid birth
    while read -r name pid birth; do
        [ "$name" != "$1" ] || [ "$(birth_of "$pid")" != "$birth" ] || return 0
    done <"$folder/processes"
    return 1
}

# end NAME DIR: ends it and waits until it has ended, for at most 10 s, then kills it. Returns what it ended with, if it
# is a child of ours.
end() {
    local name pid birth waited status=0
    while read -r name pid birth; do
        # The caretaker itself may be who calls.
        [ "$name" = "$1" ] && [ "$pid" != $$ ] && [ "$(birth_of "$pid")" = "$birth" ] || continue
        kill -s TERM -- "-$pid" 2>/dev/null # it leads a session, and so a group
        for ((waited = 0; waited < 500; waited++)); do
            [ "$(birth_of "$pid")" = "$birth" ] || break
            sleep 0.02
        done
        [ $waited -lt 500 ] || kill -s KILL -- "-$pid" 2>/dev/null
        wait "$pid" 2>/dev/null || status=$?
    done <"$2/processes"
    [ $status -eq 127 ] || return $status
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -le $deadline ] || return 1
        sleep 0.1
    done
}

# -- the folder of a run -----------------------------------------------------------------------------------------------

# Ends everything that runs in a folder, the last first, and removes it.
tear_down() {
    local name
    for name in $(cut -d ' ' -f 1 "$1/processes" | tac); do
        end "$name" "$1"
    done
    [ ! -d "$1/kafka" ] || "$root/tests/fixture/servers" kafka remove "$1" || return
    [ ! -d "$1/pg" ] || "$root/tests/fixture/servers" pg remove "$1" || return
    rm -rf "$1"
}

stop_kept() {
    local dir
    dir=$(realpath "$1") && [ -f "$dir/processes" ] || usage_error "$1: not the folder of a demo that --keep left"
    if tear_down "$dir"; then
        printf 'Stopped and removed.\n'
    else
        printf 'demo: could not stop everything in %s\n' "$dir" >&2
        return 1
    fi
}

# shellcheck disable=SC2317 # by trap
at_exit() {
    local status=$?
    trap '' INT TERM HUP PIPE
    trap - EXIT
    $kept || tear_down "$folder" || status=1
    exit $status
}

begin_folder() {
    folder=$(mktemp -d "${TMPDIR:-/tmp}/kpid-demo.XXXXXX") || die 'no temporary folder'
    : >"$folder/processes"
    trap at_exit EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    # PostgreSQL does not run as root, and its user has to get in.
    chmod 755 "$folder"
    # Should this script be killed outright, somebody has to tidy up.
    # shellcheck disable=SC2016
    start caretaker bash -c 'tail --pid="$1" -f /dev/null; cd / && exec "$2" --stop "$3"' \
        - $$ "$root/deploy/demo" "$folder"
}

# -- build and servers -------------------------------------------------------------------------------------------------

install_and_build() {
    local log goals=(build demo) since=$SECONDS
    ! $real_kafka || goals+=(kafka)
    "$root/deploy/lib/setup.sh" "${goals[@]}" || die 'what is needed could not be installed'

    begin build
    [ -x "$build/kpid" ] || printf '(half a minute) '
    mkdir -p "$build" && log=$(mktemp "$build/demo-build.XXXXXX") || die "cannot write into $build"
    if ! (
        flock 9 # another demo may be building
        cd "$root" && cmake --preset release -B "$build" -DKPID_DEMO=ON &&
            cmake --build "$build" --target kpid demo-broker demo-generator
    ) 9>"$build/demo.lock" >"$log" 2>&1; then
        trap 'rm -f "$log"' EXIT
        die_showing "$log" 'the build failed'
    fi
    rm -f "$log"
    done_with "$("$build/kpid" version | head -n 1) in ${build#"$root"/} ($((SECONDS - since)) s)"
}

# psql for the analyst, $psql: rows as they are, or a table.
rows() { "${psql[@]}" -A -t -F $'\t' "$@"; }
table() { "${psql[@]}" -P footer=off -P border=1 -P null=- "$@" | sed '${/^$/d}' | indent; }

# The configuration: with the broker at $bootstrap, or without one.
write_config() {
    sed -e "s|@BOOTSTRAP@|$bootstrap|; s|@PORT@|$PGPORT|; s|@POLICY@|$folder/policy.json|" \
        -e "s|@ALERT_TOPIC@|$1|" "$parts/kpid.ini.in" >"$folder/kpid.ini"
}

start_postgres() {
    local variables
    begin PostgreSQL
    variables=$("$root/tests/fixture/servers" pg start "$folder" 2>"$folder/servers.log") ||
        die_showing "$folder/servers.log" 'PostgreSQL did not start'
    eval "$variables"
    psql=(env PGOPTIONS='-c client_min_messages=warning' "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1
        -p "$PGPORT" -U demo_analyst -d kpid)
    "$root/tests/fixture/servers" pg createdb "$folder" kpid 2>"$folder/servers.log" ||
        die_showing "$folder/servers.log" 'no database could be made'
    done_with "$("$PG_BIN/psql" -X -A -t -h 127.0.0.1 -p "$PGPORT" -U postgres -d kpid -c 'SHOW server_version' |
        cut -d ' ' -f 1), its own, on port $PGPORT"

    begin schema
    cp "$policy" "$folder/policy.json"
    write_config ''
    "$build/kpid" migrate up --config "$folder/kpid.ini" --set postgres.user=postgres >"$folder/migrate.log" 2>&1 ||
        die_showing "$folder/migrate.log" 'kpid migrate up failed'
    "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PGPORT" -U postgres -d kpid -f "$parts/sql/roles.sql" \
        >"$folder/roles.log" 2>&1 || die_showing "$folder/roles.log" 'the roles could not be made'
    done_with "$(grep -c applied "$folder/migrate.log") migrations;" \
        'the daemon may write rows only, the analyst read only'
}

start_broker() {
    local topic topics=(ticket-opened ticket-activity ticket-closed survey kpid-alerts)
    begin broker
    if $real_kafka; then
        "$root/tests/fixture/servers" kafka start "$folder" >"$folder/kafka.sh" 2>"$folder/servers.log" ||
            die_showing "$folder/servers.log" 'Kafka did not start'
        bootstrap=$(sed -n 's/^BOOTSTRAP=//p' "$folder/kafka.sh" | tr -d "'")
        for topic in "${topics[@]}"; do
            "$root/tests/fixture/servers" kafka topic "$folder" "$topic" 4 2>"$folder/servers.log" ||
                die_showing "$folder/servers.log" "topic $topic could not be made"
        done
        done_with "Apache Kafka on $bootstrap, ${#topics[@]} topics of 4 partitions"
    else
        start broker "$build/demo/demo-broker" "${topics[@]/%/:4}"
        wait_for 10 test -s "$folder/broker.out" || die_showing "$folder/broker.log" 'the broker did not start'
        bootstrap=$(cat "$folder/broker.out")
        done_with "embedded, on $bootstrap, ${#topics[@]} topics of 4 partitions"
    fi
}
