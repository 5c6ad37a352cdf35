# What every kind of demo needs: output, processes, the folder, the build, the servers. Sourced by deploy/demo.

PG_BIN=/usr/lib/postgresql/15/bin
build=${KPID_BUILD:-$root/build/release}
folder=''    # of this run
kept=false   # whether it stays
current=''   # the step under way, for the message when it fails
bootstrap='' # of the broker
board_url='' # of the live page

# -- output ------------------------------------------------------------------------------------------------------------

title() { printf '\n%s\n\n' "$*"; }

# A line of the preparations: "label  text". The label is printed first, the text when the step is done.
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

# Ends the demo with the reason and the last lines of the daemon's log.
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

# The name of this machine's time zone.
local_zone() {
    local link
    link=$(readlink -f /etc/localtime 2>/dev/null)
    case $link in
    */zoneinfo/*) printf '%s\n' "${link#*/zoneinfo/}" ;;
    *) printf 'UTC\n' ;;
    esac
}

# -- processes ---------------------------------------------------------------------------------------------------------

# When a process was started, in clock ticks since boot. Together with its number, this identifies a process.
birth_of() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return
    # The name, in parentheses, may hold anything.
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    [ "$1" != Z ] && printf '%s\n' "${20}"
}

# start NAME COMMAND...: runs it in the background, in its own session (Ctrl-C is for this script), with its output in
# NAME.out and its messages in NAME.log.
start() {
    local name=$1
    shift
    (cd "$folder" && exec setsid "$@") </dev/null >"$folder/$name.out" 2>>"$folder/$name.log" &
    printf '%s %s %s\n' "$name" $! "$(birth_of $!)" >>"$folder/processes"
    [ "$name" = kpid ] || disown $! # its exit status is needed later
}

# Whether the process that was started under this name is running.
alive() {
    local name pid birth
    while read -r name pid birth; do
        [ "$name" != "$1" ] || [ "$(birth_of "$pid")" != "$birth" ] || return 0
    done <"$folder/processes"
    return 1
}

# end NAME DIR: ends it, waits at most 10 s, then kills it. Returns its exit status if it is a child of this script.
end() {
    local name pid birth waited status=0
    while read -r name pid birth; do
        # The caller may be the caretaker itself.
        [ "$name" = "$1" ] && [ "$pid" != $$ ] && [ "$(birth_of "$pid")" = "$birth" ] || continue
        kill -s TERM -- "-$pid" 2>/dev/null # it leads a session, and so a process group
        for ((waited = 0; waited < 500; waited++)); do
            [ "$(birth_of "$pid")" = "$birth" ] || break
            sleep 0.02
        done
        [ $waited -lt 500 ] || kill -s KILL -- "-$pid" 2>/dev/null
        wait "$pid" 2>/dev/null || status=$?
    done <"$2/processes"
    [ $status -eq 127 ] || return $status
}

# wait_for SECONDS COMMAND...: waits until the command succeeds.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -le $deadline ] || return 1
        sleep 0.1
    done
}

# -- the folder of a run -----------------------------------------------------------------------------------------------

# Ends everything that runs in a folder, in reverse order, and removes the folder.
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
    # PostgreSQL does not run as root, and its user needs access.
    chmod 755 "$folder"
    # Cleans up if this script is killed with SIGKILL.
    # shellcheck disable=SC2016
    start caretaker bash -c 'tail --pid="$1" -f /dev/null; cd / && exec "$2" --stop "$3"' \
        - $$ "$root/deploy/demo" "$folder"
}

# -- build and servers -------------------------------------------------------------------------------------------------

install_and_build() {
    local log goals=(build demo) since=$SECONDS
    ! $real_kafka || goals+=(kafka)
    "$root/deploy/lib/setup.sh" "${goals[@]}" || die 'the required packages could not be installed'

    begin build
    [ -x "$build/kpid" ] || printf '(half a minute) '
    mkdir -p "$build" && log=$(mktemp "$build/demo-build.XXXXXX") || die "cannot write into $build"
    if ! (
        flock 9 # another demo may build at the same time
        cd "$root" && cmake --preset release -B "$build" -DKPID_DEMO=ON &&
            cmake --build "$build" --target kpid demo-broker demo-generator
    ) 9>"$build/demo.lock" >"$log" 2>&1; then
        trap 'rm -f "$log"' EXIT
        die_showing "$log" 'the build failed'
    fi
    rm -f "$log"
    done_with "$("$build/kpid" version | head -n 1) in ${build#"$root"/} ($((SECONDS - since)) s)"
}

# psql for the analyst, $psql: plain rows, or a table.
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
        die_showing "$folder/servers.log" 'the database could not be created'
    done_with "$("$PG_BIN/psql" -X -A -t -h 127.0.0.1 -p "$PGPORT" -U postgres -d kpid -c 'SHOW server_version' |
        cut -d ' ' -f 1), its own, on port $PGPORT"

    begin schema
    cp "$policy" "$folder/policy.json"
    write_config ''
    "$build/kpid" migrate up --config "$folder/kpid.ini" --set postgres.user=postgres >"$folder/migrate.log" 2>&1 ||
        die_showing "$folder/migrate.log" 'kpid migrate up failed'
    "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PGPORT" -U postgres -d kpid -f "$parts/sql/roles.sql" \
        >"$folder/roles.log" 2>&1 || die_showing "$folder/roles.log" 'the roles could not be created'
    done_with "$(grep -c applied "$folder/migrate.log") migrations;" \
        'the daemon may write rows only, the analyst read only'
}

# Starts the board on a free port, and sets $board_url.
start_board() {
    begin board
    start board "$build/kpid" board --config "$folder/kpid.ini" --set postgres.user=demo_board --set board.listen=127.0.0.1:0
    wait_for 10 grep -q 'serving the board on' "$folder/board.log" || die_showing "$folder/board.log" 'the board did not start'
    board_url=$(sed -n 's/.*serving the board on //p' "$folder/board.log")
    done_with "$board_url in a browser${1:-}"
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
                die_showing "$folder/servers.log" "topic $topic could not be created"
        done
        done_with "Apache Kafka on $bootstrap, ${#topics[@]} topics of 4 partitions"
    else
        start broker "$build/demo/demo-broker" "${topics[@]/%/:4}"
        wait_for 10 test -s "$folder/broker.out" || die_showing "$folder/broker.log" 'the broker did not start'
        bootstrap=$(cat "$folder/broker.out")
        done_with "embedded, on $bootstrap, ${#topics[@]} topics of 4 partitions"
    fi
}
