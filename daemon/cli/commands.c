/* The commands, in the order in which the help lists them. */
#include "cli/cli.h"

const struct cli_command cli_commands[] = {
        {"run", "Read events from Kafka, keep the figures, raise alerts", "",
         "Runs until SIGTERM or SIGINT: it then finishes its batches, gives up its partitions and ends.\n"
         "SIGHUP reads the configuration and the policies again; if they have a fault nothing changes.\n",
         cmd_run},
        {"ingest", "Read events from a file, as if they came from Kafka", "FILE|-",
         "FILE has one event a line (NDJSON), plain or compressed with gzip; - is the standard input.\n"
         "It may be stopped and started again: each event counts once however often it is read, and a file goes on\n"
         "where it was. Exit status 0 means that every line is in the database; a line that is no event is a dead\n"
         "letter. Otherwise the reason is on stderr, and the same command may be run again.\n",
         cmd_ingest},
        {"migrate", "Bring the database to this program's version", "up|status|verify",
         "  up         apply what is missing\n"
         "  status     show what is applied and what is missing\n"
         "  verify     check that what is applied is what this program carries\n\n"
         "      --dry-run  with up: show what would be applied\n",
         cmd_migrate},
        {"check-config", "Check the configuration, or show it", "",
         "Checks the configuration and the file of policies, and prints every fault as FILE:LINE: KEY: MESSAGE.\n\n"
         "      --show     print what is in force, secrets as ***\n"
         "      --sample   print a sample file with every option, its default and what it is for\n"
         "      --man      print the manual page kpid.ini(5), as roff\n",
         cmd_check_config},
        {"policy", "Check a file of policies, show what it comes to, try it, or judge anew by it",
         "check|show|diff|test|recalc FILE [FILE]",
         "  check FILE    every fault as FILE:LINE: PATH: MESSAGE, also policies that are never reached\n"
         "  show FILE     the policies in words, and when what is opened on an ordinary Monday or before a holiday is "
         "due\n"
         "  diff OLD NEW  what changes from one file to another, a line each\n"
         "  test FILE     judge recorded tickets under it, and touch nothing: verdicts that would be others, "
         "compliance\n"
         "                before and after; --since TIME, --until TIME: of tickets opened then\n"
         "  recalc FILE --why TEXT  judge recorded tickets anew under it, for good and on record "
         "(report.recalculation);\n"
         "                --since, --until as above; tickets opened before its first revision stay as they are\n",
         cmd_policy},
        {"explain", "Tell how a ticket came to its figures", "TICKET",
         "Shows its events in order, its state after each, its clocks and what it gave to which figures.\n",
         cmd_explain},
        {"dlq", "Look at rejected events, or read them again", "list|show|requeue",
         "  list                                the latest; --reason R, --topic T, --limit N (50)\n"
         "  show TOPIC/PARTITION/OFFSET         one, with its headers and bytes; --raw: the bytes alone\n"
         "  requeue TOPIC/PARTITION/OFFSET...   send them to their topic again, or read them again if they are lines\n"
         "                                      of a file; --reason R: all of one reason that were not yet;\n"
         "                                      --dry-run shows what it would do\n\n"
         "What is still wrong with a message that is read again makes it a new dead letter.\n",
         cmd_dlq},
        {"gap", "Look at partitions that stopped because events are missing, or let them go on", "list|accept|retire",
         "  list                      gaps, the open ones first\n"
         "  accept TOPIC/PARTITION    go on at the first message that is there; --at earliest|expected|OFFSET\n"
         "  retire TOPIC[/PARTITION]  it is not read any more: it holds nothing back\n",
         cmd_gap},
        {"settings", "Show what all instances must agree on, or change it for everybody", "show|set",
         "  show             the settings that are stored in the database\n"
         "  set NAME VALUE   change one: report.time_zone or kafka.group.id. kpi.fcr_window cannot change: all "
         "figures were made with it\n",
         cmd_settings},
        {"alerts", "Look at alerts, take them on, or keep them back", "list|ack|unack|silence|unsilence|test",
         "  list               those that last, the longest first; --state S, --project P, --target T, --all\n"
         "  ack ALERT          take one on; --why TEXT, and --again TIME: raise it again after that (4h)\n"
         "  unack ALERT        give it back; --why TEXT\n"
         "  silence            record alerts and send none: --until TIME, --why TEXT; --since TIME, --project P, "
         "--target T\n"
         "  unsilence NUMBER   end a silence now\n"
         "  test RECEIVER      tell a receiver of an alert that is none, and say how it answered\n\n"
         "ALERT is its id, or TICKET/TARGET/N. TIME is a time with a zone (RFC 3339), or from now: 30m, 2h, 1d.\n",
         cmd_alerts},
        {"verify", "Reckon all figures anew from the stored histories and compare; or mend them", "",
         "Says what differs, by table, row and column; exit status 1 if something does. Daemons may run meanwhile.\n\n"
         "      --sample N   N tickets by chance, and their rows alone: not the sums of agents\n"
         "      --ticket ID  one ticket, and its rows alone\n"
         "      --repair     mend what differs, in one transaction, with a record in report.repair; look again\n"
         "      --why TEXT   with --repair: why; it is written down, and so is --who NAME (else who runs it)\n",
         cmd_verify},
        {"doctor", "Look at everything around the daemon, and say what to do", "",
         "Versions, configuration, the database and its role, brokers, topics, the group, what is behind, what fails.\n"
         "Each finding is ok, warn or fail; exit status 1 if something fails. Changes nothing.\n",
         cmd_doctor},
        {"top", "Watch compliance, agents, deadlines and lag live", "",
         "      --interval, -i TIME  between two looks (2s)\n"
         "      --once               print once; so does --json, or output that is no terminal\n\n"
         "q ends it. Reads the schema report alone.\n",
         cmd_top},
        {"version", "Show the version of the program and of its libraries", "", NULL, cmd_version},
        {NULL, NULL, NULL, NULL, NULL},
};
