# The manual page of one command. Input: what `kpid COMMAND --help` prints, then kpid.1. The description is the command's part of the
# section COMMANDS of kpid.1; the usage is the help.

function escaped(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    return text ~ /^[.']/ ? "\\&" text : text
}

# A part of COMMANDS begins with .TP and a line such as `.BR map " guess" | check`.
function names_the_command(line) {
    if (line !~ /^\.(B|BI|BR) /)
        return 0
    sub(/^\.[BIR]+ "?/, "", line)
    gsub(/\\-/, "-", line)
    return line ~ ("^" command "([^a-z-]|$)")
}

function end_of_help() {
    name = "kpid-" command
    print ".TH " toupper(name) " 1 \"\" " version " \"kpid\""
    print ".SH NAME"
    print escaped(name) " \\- " escaped(tolower(substr(summary, 1, 1)) substr(summary, 2))
    print ".SH SYNOPSIS"
    print ".B kpid " escaped(command)
    print escaped(usage)
    print ".SH DESCRIPTION"
}

FNR == NR {
    if (FNR == 1) {
        usage = $0
        sub(/^Usage: kpid [a-z-]+ /, "", usage)
    } else if (FNR == 3) {
        summary = $0
        sub(/\.$/, "", summary)
    } else if (FNR > 4) {
        help = help escaped($0) "\n"
    }
    next
}
FNR == 1 {
    version = $0
    sub(/^\.TH KPID 1 "" /, "", version)
    sub(/ "kpid"$/, "", version)
    end_of_help()
}
/^\.SH / {
    if (section == "COMMANDS")
        print ".SH USAGE\n.EX\n" help ".EE"
    section = substr($0, 5)
    inside = 0
    if (section == "EXIT STATUS" || section == "ENVIRONMENT" || section == "FILES")
        print
    next
}
section == "COMMANDS" && /^\.TP$/ {
    begins = 1
    next
}
section == "COMMANDS" && begins {
    begins = 0
    inside = names_the_command($0)
    n_parts += inside
    if (inside && n_parts > 1)
        print ".PP"
    next
}
section == "COMMANDS" && inside || section == "EXIT STATUS" || section == "ENVIRONMENT" || section == "FILES" { print }
END {
    print ".SH SEE ALSO\n.BR kpid (1),\n.BR kpid.ini (5)"
    if (n_parts == 0) {
        print "page.awk: kpid.1 does not describe " command > "/dev/stderr"
        exit 1
    }
}
