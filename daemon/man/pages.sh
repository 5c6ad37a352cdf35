#!/bin/sh
# pages.sh KPID KPID.1 FOLDER: writes the manual page kpid-COMMAND.1 of each command, and `completion` for bash, into FOLDER.
# All of them come from the table of commands, as the program's help prints it, and from kpid.1.
set -eu
kpid=$1 manual=$2 folder=$3
here=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$folder"
rm -f "$folder"/kpid-*.1
"$kpid" --help >"$folder/help"
commands=$(awk '/^Commands:$/ { inside = 1; next } /^$/ { inside = 0 } inside { print $1 }' "$folder/help")
[ -n "$commands" ]
for command in $commands; do
    "$kpid" "$command" --help >"$folder/help-$command"
    awk -v command="$command" -f "$here/page.awk" "$folder/help-$command" "$manual" >"$folder/kpid-$command.1"
done
# shellcheck disable=SC2086 # one word for each command
(cd "$folder" && awk -f "$here/completion.awk" help $(printf 'help-%s ' $commands)) >"$folder/completion"
rm -f "$folder"/help "$folder"/help-*
