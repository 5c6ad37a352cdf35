# The completion of kpid for bash. Input: the files `help`, which is what `kpid --help` prints, and `help-COMMAND` for each command.

# Adds the options that a line names to the list of the command, and the words that an option takes: --lang zh|en.
function find_options(line, word, values) {
    while (match(line, /--[a-z][a-z-]*/)) {
        word = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
        if (!((command, word) in seen)) {
            seen[command, word] = 1
            options[command] = options[command] " " word
        }
        if (match(line, /^ [a-z]+(\|[A-Za-z]+)+/) && !(word in words_of)) {
            values = substr(line, 2, RLENGTH - 1)
            gsub(/\|/, " ", values)
            gsub(/ ?[A-Z]+/, "", values)
            words_of[word] = values
            valued[++n_valued] = word
        }
    }
}

FNR == 1 {
    command = FILENAME
    sub(/^help-?/, "", command)
    if (command != "")
        commands[++n_commands] = command
}
FNR == 1 && command != "" && $5 ~ /^[a-z-]+(\|[a-z-]+)*$/ {
    actions[command] = $5
    gsub(/\|/, " ", actions[command])
}
{ find_options($0) }
command == "" && /^  [a-z]/ && !after { all = all " " $1 }
/^Options:$/ { after = 1 }

END {
    print "# Completion of kpid for bash, generated from its table of commands.\n"
    print "_kpid() {"
    print "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= words= options= i"
    print "    [ \"$before\" != '=' ] || before=${COMP_WORDS[COMP_CWORD - 2]} # bash splits --lang=zh"
    print "    [ \"$word\" != '=' ] || word="
    print "    COMPREPLY=()"
    print "    for ((i = 1; i < COMP_CWORD; i++)); do"
    print "        case ${COMP_WORDS[i]} in"
    print "        -c | --config | --set)"
    print "            [ \"${COMP_WORDS[i + 1]}\" != '=' ] || ((i++))"
    print "            ((i++))"
    print "            [ \"${COMP_WORDS[i + 1]}\" != '=' ] || ((i += 2))"
    print "            ;;"
    print "        -*) ;;"
    print "        *)"
    print "            command=${COMP_WORDS[i]}"
    print "            break"
    print "            ;;"
    print "        esac"
    print "    done"
    print "    case $command in"
    print "    '')"
    print "        words='" substr(all, 2) " help'"
    print "        options='" substr(options[""], 2) "'"
    print "        ;;"
    print "    help) words='" substr(all, 2) "' ;;"
    for (n = 1; n <= n_commands; n++) {
        print "    " commands[n] ")"
        if (commands[n] in actions)
            print "        words='" actions[commands[n]] "'"
        print "        options='" substr(options[commands[n]], 2) "'"
        print "        ;;"
    }
    print "    esac"
    print "    case $before in"
    print "    -c | --config) return ;; # a file"
    for (n = 1; n <= n_valued; n++)
        print "    " valued[n] ") words='" words_of[valued[n]] "' ;;"
    print "    *)"
    print "        # The action of a command comes right after it."
    print "        [ -z \"$command\" ] || [ $((i + 1)) -eq \"$COMP_CWORD\" ] || words="
    print "        ;;"
    print "    esac"
    print "    case $word in"
    print "    -*) words=$options ;;"
    print "    esac"
    print "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")"
    print "}"
    print "complete -o default -F _kpid kpid"
}
