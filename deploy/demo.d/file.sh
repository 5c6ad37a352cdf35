# The demo with a file of events, or of records of another system. Sourced by deploy/demo.

show() {
    printf '\n  %s:\n\n' "$1"
    table -f "$parts/sql/$2" || die "$2 failed"
}

read_with=() # options of kpid ingest for records

# Makes the mapping, unless one was given, and shows the words that it does not know.
prepare_records() {
    local name=${events##*/}
    if [ -z "$map" ]; then
        map=$folder/guessed.lua
        printf '\n  kpid map guess %s\n' "$events"
        "$build/kpid" map guess "$events" >"$map" 2>"$folder/guess.log" ||
            die_showing "$folder/guess.log" "no mapping could be guessed: write one, and name it with --map"
        grep -E -- '^-- \?|-- [0-9]+ \?$' "$map" | indent '      '
        printf '\n      That mapping is a start. Keep it with: kpid map guess %s > mine.lua\n' "$name"
    fi
    read_with=(--map "$map" --source /records --zone "$zone")
    printf '\n  kpid ingest --dry-run --map %s --zone %s %s\n' "${map##*/}" "$zone" "$name"
    "$build/kpid" ingest --dry-run "${read_with[@]}" "$events" >"$folder/dry.out" 2>"$folder/dry.log" ||
        die_showing "$folder/dry.log" 'the records cannot be read'
    # The summary comes after the last empty line.
    tac "$folder/dry.out" | sed '/^$/q' | tac | indent '      '
}

[ -z "$records" ] || prepare_records

printf '\n  kpid ingest %s\n' "$events"
"$build/kpid" ingest "${read_with[@]}" "$events" --config "$folder/kpid.ini" >"$folder/ingest.out" ||
    die "kpid ingest $events failed"
indent '      ' <"$folder/ingest.out"

show 'Month by month' file-1-months.sql
show 'The busiest agents' file-2-agents.sql
show 'By priority' file-3-priorities.sql
show 'Alerts' file-4-alerts.sql
[ "$(rows -c 'SELECT count(*) FROM report.dead_letter')" = 0 ] || show 'Rejected' query-4-rejected.sql

printf '\n  The same file once more: each event counts once\n'
before=$(rows -f "$parts/sql/file-digest.sql")
# Under another name, it counts as another file.
ln -s "$events" "$folder/again-${events##*/}"
"$build/kpid" ingest "${read_with[@]}" "$folder/again-${events##*/}" --config "$folder/kpid.ini" >"$folder/ingest.out" ||
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
