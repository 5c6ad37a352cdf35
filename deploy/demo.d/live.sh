# The demo with a live desk. Sourced by deploy/demo.

untouched=DEMO-UNTOUCHED
late_proof=DEMO-LATE-PROOF
headed=false        # whether the last line printed belongs to the table of figures
last_messages=0     # for the rate
last_at=0
breach_latency=''
seen_untouched=false
seen_late=false
seen_voided=false
n_screens=0

# Milliseconds.
now_ms() { printf '%s\n' $((${EPOCHREALTIME/[.,]/} / 1000)); }
elapsed_ms() { printf '%s\n' $(($(now_ms) - started_ms)); }

clock() { printf '%d:%02d' $((${1:-$(elapsed_ms)} / 60000)) $((${1:-$(elapsed_ms)} / 1000 % 60)); }

# narrate TEXT: prints the time and what happens.
narrate() {
    printf '\n%6s  %s\n' "$(clock)" "$1"
    headed=false
}

check_alive() {
    alive kpid || die 'the daemon has ended'
    $real_kafka || alive broker || die_showing "$folder/broker.log" 'the broker has ended'
}

status_line() {
    local shown messages lag opened backlog first resolution satisfied breached alerts voided rejected at rate
    IFS=$'\t' read -r shown messages lag opened backlog first resolution satisfied breached alerts voided rejected \
        < <(rows -f "$parts/sql/status.sql") || die 'the figures could not be read'
    at=$(elapsed_ms)
    rate=$(((messages - last_messages) * 1000 / (at - last_at + 1)))
    last_messages=$messages last_at=$at
    $headed || {
        printf '\n'
        printf '%6s %7s %4s %4s %8s %5s %9s %9s %10s %9s %7s %7s %9s\n' \
            '' events /s lag tickets open 'answered' 'resolved' satisfied breached alerts voided rejected \
            '' '' '' '' '' '' 'in time' 'in time' '' now '' '' '' | sed 's/ *$//'
        headed=true
    }
    printf '%6s %7s %4s %4s %8s %5s %9s %9s %10s %9s %7s %7s %9s\n' \
        "$(clock "$at")" "$shown" "$rate" "$lag" "$opened" "$backlog" "$first" "$resolution" "$satisfied" "$breached" \
        "$alerts" "$voided" "$rejected"
}

agents_screen() {
    narrate 'The agents (report.agent_kpi_rolling, last 15 minutes):'
    table -f "$parts/sql/agents.sql" || die 'the agents could not be read'
}

deadlines_screen() {
    narrate 'The nearest deadlines (report.sla_live):'
    table -f "$parts/sql/deadlines.sql" || die 'the deadlines could not be read'
}

# Waits for the row as any other reader would: the time at which it finds the row is when the row became visible.
watch_for() {
    start "seen-$1-$2" "${psql[@]}" -A -t -F $'\t' -f "$parts/sql/wait_alert.sql" -v ticket="$1" -v state="$2"
}

# Reads what watch_for found into the variables of the caller.
read_seen() {
    IFS=$'\t' read -r key state breached_at detected_at seen_at latency breached_us policy_name owner project \
        cause <"$folder/seen-$1-$2.out"
}
seen() { [ -s "$folder/seen-$1-$2.out" ]; }

# Prints the first message about an alert in a state, as "RECEIVED_US<tab>VALUE".
message_of() {
    awk -F '\t' -v key="$1" -v state="\"state\":\"$2\"" '
        $2 == key {
            value = $3
            gsub(/" *: *"/, "\":\"", value)
            if (index(value, state)) {
                print $1 "\t" $3
                exit
            }
        }' "$folder/alerts.out"
}
has_message() { [ -n "$(message_of "$@")" ]; }

show_message() {
    local received value
    if ! wait_for 5 has_message "$1" "$2"; then
        die "no message about $1 in kpid-alerts"
    fi
    IFS=$'\t' read -r received value < <(message_of "$1" "$2")
    printf '\n        Message on kpid-alerts, key %s' "$1"
    [ -z "${3:-}" ] || printf ', %d ms after the deadline' $(((received - $3) / 1000))
    printf ':\n'
    sed 's/" *: */": /g; s/, *"/, "/g' <<<"$value" | fold -s -w 96 | indent '          '
}

report_untouched() {
    local key state breached_at detected_at seen_at latency breached_us policy_name owner project cause
    read_seen $untouched breached
    narrate "BREACH  $untouched: nobody answered before the deadline."
    printf '        Row in report.alert, seen by another session %s ms after the deadline:\n' "$latency"
    {
        printf 'alert\t%s\n' "$key"
        printf 'state\t%s (cause: %s)\n' "$state" "$cause"
        printf 'due\t%s, by the policy "%s"\n' "$breached_at" "$policy_name"
        printf 'detected\t%s, seen %s\n' "$detected_at" "$seen_at"
        printf 'owner then\t%s, project %s\n' "$owner" "$project"
    } | while IFS=$'\t' read -r name value; do
        printf '          %-11s %s\n' "$name" "$value"
    done
    show_message "$key" breached "$breached_us"
    breach_latency=$latency
}

report_late() {
    local key state breached_at detected_at seen_at latency breached_us policy_name owner project cause
    read_seen $late_proof breached
    narrate "BREACH  $late_proof: no answer has arrived, deadline ${breached_at%.*}, owner $owner (row after $latency ms)."
    printf '        But the technician answered in time, in a basement without a network. Let us wait.\n'
}

report_voided() {
    local key state breached_at detected_at seen_at latency breached_us policy_name owner project cause
    read_seen $late_proof voided
    narrate "VOIDED  $late_proof: the answer arrived late, and proves that there was no breach."
    wait_for 5 has_message "$key" voided || die "no message that $key is voided"
    printf '        The row stays, as voided; the KPIs are corrected; a message with the same key announces it.\n'
    printf '\n        kpid explain %s:\n' "$late_proof"
    "$build/kpid" explain "$late_proof" --config "$folder/kpid.ini" >"$folder/explain.out" 2>"$folder/explain.log" ||
        die_showing "$folder/explain.log" "kpid explain $late_proof failed"
    indent '          ' <"$folder/explain.out"
}

# Prints what happened since the last call.
report_news() {
    if ! $seen_untouched && seen $untouched breached; then
        seen_untouched=true
        report_untouched
    fi
    if ! $seen_late && seen $late_proof breached; then
        seen_late=true
        report_late
    fi
    if $seen_late && ! $seen_voided && seen $late_proof voided; then
        seen_voided=true
        report_voided
    fi
}

# Remarks and screens at fixed times: thousandths of the whole run, or milliseconds.
narrate_program() {
    local at=$1
    case $n_screens in
    0) [ "$at" -ge 7500 ] && deadlines_screen ;;
    1) [ "$at" -ge $((seconds * 390)) ] && agents_screen ;;
    2) [ "$at" -ge $((seconds * 400)) ] && narrate 'A water main breaks in tower 9: three times as many calls.' ;;
    3) [ "$at" -ge $((seconds * 660)) ] && narrate 'The shift changes: agents who leave hand over their open tickets.' ;;
    4) [ "$at" -ge $((seconds * 1000 - 8000)) ] && narrate 'Closing time: no new tickets, and open ones are finished.' ;;
    *) false ;;
    esac && n_screens=$((n_screens + 1))
}

follow_the_desk() {
    local at next_ms=5000
    while alive desk; do
        check_alive
        report_news
        at=$(elapsed_ms)
        narrate_program "$at"
        if [ "$at" -ge $next_ms ]; then
            status_line
            next_ms=$((next_ms + 5000))
        fi
        sleep 0.1
    done
    [ ! -s "$folder/desk.log" ] || die_showing "$folder/desk.log" 'the desk could not send everything'
    report_news
    wait_for 10 seen $untouched breached || die "no alert about $untouched"
    wait_for 10 seen $late_proof voided || die "the alert about $late_proof was not voided"
    report_news
}

show_queries() {
    local file
    narrate 'First queries, as a BI tool would send them (role kpid_reader):'
    for file in "$parts"/sql/query-*.sql; do
        printf '\n'
        indent <"$file"
        printf '\n'
        table -f "$file" || die "$(basename "$file") failed"
    done
    printf '\n        kpid dlq list (the first lines):\n'
    "$build/kpid" dlq list --config "$folder/kpid.ini" >"$folder/dlq.out" 2>"$folder/dlq.log" ||
        die_showing "$folder/dlq.log" 'kpid dlq list failed'
    head -n 7 "$folder/dlq.out" | cut -c 1-110 | indent '          '
}

# Compares the tables with the desk's own log. Succeeds if all are equal.
compare() {
    (cd "$folder" && rows -f "$parts/sql/check.sql") >"$folder/check.log" 2>&1 ||
        die_showing "$folder/check.log" 'the check could not run'
    awk -F '\t' '($5 == "" && $3 != $4) || $5 + 0 != 0 || $3 != $4 { exit 1 }' "$folder/check.out"
}

# Deadlines pass during the comparison, and the daemon may be some milliseconds behind: so it is repeated for a while.
check_sums() {
    local equal=true
    narrate "The desk closes. Its own log, counted in plain SQL, beside kpid's tables:"
    wait_for 20 compare || equal=false
    printf '\n        %-34s %12s %12s\n' '' 'desk' 'kpid'
    awk -F '\t' '{
        verdict = ($3 == $4 && $5 + 0 == 0) ? "equal" : "DIFFERENT" ($5 + 0 ? " (" $5 ")" : "")
        printf "        %-34s %12d %12d  %s\n", $2, $3, $4, verdict
    }' "$folder/check.out"
    $equal || die 'the tables differ from what the desk did'
}

# appraise ACTION...: kpid appraisal as someone who appraises. Its output is in card.out.
appraise() {
    "$build/kpid" appraisal "$@" --config "$folder/kpid.ini" --set postgres.user=demo_hr >"$folder/card.out" 2>"$folder/card.log" ||
        die_showing "$folder/card.log" "kpid appraisal $1 failed"
}

# How the score of an agent came about: from the score to the tickets, and from a ticket to its events.
show_card() {
    local agent ticket
    narrate 'From figures to a score: a plan with three indicators appraises the agents.'
    "$build/kpid" appraisal refresh --config "$folder/kpid.ini" >"$folder/card.out" 2>"$folder/card.log" ||
        die_showing "$folder/card.log" 'kpid appraisal refresh failed'
    appraise apply "$parts/appraisal.json"
    agent=$(rows -f "$parts/sql/card-agent.sql") && [ -n "$agent" ] || die 'no agent has enough cases for a card'
    appraise explain last:28d "$agent"
    printf '\n        kpid appraisal explain last:28d %s:\n' "$agent"
    indent '          ' <"$folder/card.out"
    appraise explain last:28d "$agent" 'answered in time'
    printf '\n        kpid appraisal explain last:28d %s "answered in time" (the first tickets):\n' "$agent"
    head -n 5 "$folder/card.out" | indent '          '
    ticket=$(sed -n '2s/^ *\([^ ]*\).*/\1/p' "$folder/card.out")
    printf '\n        And kpid explain %s shows its events.\n' "$ticket"
    appraise report last:28d "$folder/cards"
    printf '        As pages and lists, by kpid appraisal report: %s\n' "$(sed 's/ in .*//' "$folder/card.out")"
}

print_kept() {
    end caretaker "$folder"
    kept=true
    cat <<KEPT

Everything keeps running, and a new shift works at the desk. In another terminal:

  query the figures      psql -h 127.0.0.1 -p $PGPORT -U demo_analyst -d kpid
                         SELECT * FROM report.readme;
  watch in a browser     $board_url
  read the score cards   file://$folder/cards/index.html
  watch in a terminal    $build/kpid top --config $folder/kpid.ini
  follow the alerts      $build/demo/demo-generator alerts --brokers $bootstrap
  read the daemon's log  tail -f $folder/kpid.log
  stop and remove it     ${root}/deploy/demo --stop $folder
KEPT
}

start_broker
begin kpid
write_config kpid-alerts
start kpid "$build/kpid" run --config "$folder/kpid.ini"
all_claimed() {
    ! alive kpid || [ "$(rows -c 'SELECT count(*) FROM report.data_freshness' 2>>"$folder/watch.log")" = 16 ]
}
wait_for 30 all_claimed || die 'the daemon does not read its 16 partitions'
check_alive
start alerts "$build/demo/demo-generator" alerts --brokers "$bootstrap"
done_with 'reads 16 partitions, watches deadlines'
start_board ', as long as the demo runs'
begin desk
watch_for $untouched breached
watch_for $late_proof breached
watch_for $late_proof voided
started_ms=$(now_ms)
start desk "$build/demo/demo-generator" desk --brokers "$bootstrap" --seconds "$seconds" --log sent.csv
done_with "opens for $seconds s: 9 agents in two shifts, one of them slow; some events arrive late, twice or damaged"
printf '  %-12s%s\n' '' "$untouched has 10 s for an answer, and nobody will answer it"

follow_the_desk
[ $(($(elapsed_ms) - last_at)) -lt 1000 ] || status_line
agents_screen
show_queries
check_sums
show_card

if $keep; then
    start desk "$build/demo/demo-generator" desk --brokers "$bootstrap" --seconds 0 --no-story --prefix B
    print_kept
else
    stopping_ms=$(now_ms)
    end kpid "$folder" || die "the daemon ended with status $?"
    narrate "The daemon shut down cleanly in $(($(now_ms) - stopping_ms)) ms."
fi
printf '\nok: every event counted once, the breach was seen %s ms after its deadline.\n' "$breach_latency"
