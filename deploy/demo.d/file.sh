# The demo with a file of events. Sourced by deploy/demo.

show() {
    printf '\n  %s:\n\n' "$1"
    table -f "$parts/sql/$2" || die "$2 failed"
}

printf '\n  kpid ingest %s\n' "$events"
"$build/kpid" ingest "$events" --config "$folder/kpid.ini" >"$folder/ingest.out" ||
    die "kpid ingest $events failed"
indent '      ' <"$folder/ingest.out"

show 'Month by month' file-1-months.sql
show 'The busiest agents' file-2-agents.sql
show 'By priority' file-3-priorities.sql
show 'Alerts' file-4-alerts.sql
[ "$(rows -c 'SELECT count(*) FROM report.dead_letter')" = 0 ] || show 'Rejected' query-4-rejected.sql

printf '\n  The same file once more: each event counts once\n'
before=$(rows -f "$parts/sql/file-digest.sql")
ln -s "$events" "$folder/again" # under another name, so that it counts as another file
"$build/kpid" ingest "$folder/again" --config "$folder/kpid.ini" >"$folder/ingest.out" ||
    die "kpid ingest failed the second time"
indent '      ' <"$folder/ingest.out"
[ "$(rows -f "$parts/sql/file-digest.sql")" = "$before" ] || die 'the figures changed when the file was read again'

IFS=$'\t' read -r tickets opened < <(rows -f "$parts/sql/file-check.sql")
[ "$tickets" = "$opened" ] || die "$tickets tickets, but the agents' KPIs have $opened opened"
if $keep; then
    start_board
    end caretaker "$folder"
    kept=true
    cat <<KEPT

The database keeps running. In another terminal:

  query the figures      psql -h 127.0.0.1 -p $PGPORT -U demo_analyst -d kpid
                         SELECT * FROM report.readme;
  look at it             $board_url
  explain a ticket       $build/kpid explain TICKET --config $folder/kpid.ini
  stop and remove it     ${root}/deploy/demo --stop $folder
KEPT
fi
printf "\nok: %s tickets, and the agents' sums say the same; read twice, counted once.\n" "$tickets"
