/* The commands, in the order of the help. */
#include "cli/cli.h"

const struct cli_command cli_commands[] = {
        {"run", "Read events from Kafka, keep the KPIs and raise alerts", "",
         "Runs until SIGTERM or SIGINT. Then it finishes its batches, gives up its partitions and exits.\n"
         "SIGHUP reads the configuration, policies and receivers again. If one of them has an error, nothing "
         "changes.\n\n"
         "      --take-over-settings  start although the settings that all instances share differ from those in the\n"
         "                            database (see `kpid settings`), and store those of this configuration\n",
         cmd_run},
        {"ingest", "Read events or other records from a file, as if they came from Kafka", "FILE|-",
         "FILE holds one event per line (NDJSON), plain or compressed with gzip; - reads standard input.\n"
         "With --map or --flat it holds records of another system.\n"
         "You can stop and repeat the command: every event counts once, and a file continues where the last run "
         "stopped.\n"
         "Exit status 0 means that every line is in the database; a line that is not an event becomes a dead letter.\n"
         "Otherwise stderr shows the reason, and you can run the same command again.\n\n"
         "      --map FILE         make events of each record by this mapping\n"
         "      --flat             each record is an event without an envelope; needs --source\n"
         "      --dry-run          show the events of each record and a summary; needs no database\n"
         "      --policy FILE      with --dry-run: the verdicts that would follow by these SLA policies\n"
         "      --compare          show which tickets are missing in the database or would change; exit status 1 if "
         "any;\n"
         "                         reads the schema report only\n"
         "      --format FORMAT    ndjson, json (an array or many values) or csv; by the file's name if not given\n"
         "      --zone ZONE        time zone of times that name none, such as Asia/Shanghai\n"
         "      --source SOURCE    source of the events (/map/NAME of the mapping's file)\n"
         "      --prefix TEXT      put before every ticket_id\n"
         "      --param NAME=VALUE a parameter of the mapping\n"
         "      --seen TIME        when the file was exported: param.seen\n"
         "      --each POINTER     the records are the elements of this array, such as /tickets\n"
         "      --delimiter C, --encoding NAME, --skip N   of CSV: guessed; N lines before the header\n",
         cmd_ingest},
        {"map", "Make a first mapping, check a mapping, or run its cases", "guess|check|test FILE",
         "  guess      print a first mapping of the records of FILE: columns by their names in Chinese, English or "
         "German,\n"
         "             times by their look, and the words of a status to fill in; reads up to 10000 records or 16 MiB\n"
         "  check      syntax, and names that mappings do not have\n"
         "  test       run the mapping NAME.lua on each file of NAME.cases/, and compare with the events of that "
         "file's .expected;\n"
         "             NAME.cases/options has options of `kpid ingest`, one in a line: zone = Asia/Shanghai\n\n"
         "      --write    with test: write the .expected files\n"
         "      --format FORMAT, --each POINTER, --delimiter C, --encoding NAME, --skip N\n"
         "                 with guess: how FILE is read, as for `kpid ingest`\n",
         cmd_map},
        {"migrate", "Create or upgrade the schema of the database", "up|status|verify",
         "  up         apply the missing migrations\n"
         "  status     show the applied and the missing migrations\n"
         "  verify     check that the applied migrations match this program\n\n"
         "      --dry-run  with up: only show what would be applied\n",
         cmd_migrate},
        {"check-config", "Check the configuration, or show it", "",
         "Checks the configuration, policies and receivers, and prints every error as FILE:LINE: KEY: MESSAGE.\n\n"
         "      --show      print the options in force, secrets as ***\n"
         "      --sample    print a sample file: every option with its default and its purpose\n"
         "      --man       print the manual page kpid.ini(5), as roff\n"
         "      --markdown  print the reference of all options, as in docs/configuration.md\n",
         cmd_check_config},
        {"policy", "Check, show, compare, test or apply a policy file", "check|show|diff|test|recalc FILE [FILE]",
         "  check FILE    print every error as FILE:LINE: PATH: MESSAGE, also policies that can never match\n"
         "  show FILE     describe the policies, with due times on an ordinary Monday and around a holiday\n"
         "  diff OLD NEW  list the changes from one file to another\n"
         "  test FILE     judge the recorded tickets by FILE without changing anything; show which verdicts would "
         "change,\n"
         "                and the compliance before and after; --since TIME, --until TIME: only tickets opened then\n"
         "  recalc FILE --why TEXT\n"
         "                judge the recorded tickets by FILE and store the result, with a record in "
         "report.recalculation;\n"
         "                --since, --until as above; tickets opened before its first revision do not change\n",
         cmd_policy},
        {"appraisal", "Plans of appraisals, the scores that follow from them, and closed periods",
         "check|show|diff|apply|roster|preview|explain|report|refresh|enter|close|restate|cards|verify|drift|adjust|"
         "appeal|"
         "withdraw|appeals|decide|page|access|note|notes|acknowledge|finish|pseudonyms|forget",
         "  check FILE    print every error of a plan file as FILE:LINE: PATH: MESSAGE, and warnings\n"
         "  show FILE     describe the plans in words; --lang zh|en (en)\n"
         "  diff OLD NEW  list the changes from one plan file to another\n"
         "  apply FILE    store the revisions of a plan file; a stored one never changes\n"
         "  roster FILE   replace the roster, which says who has which role on which days, by that of a CSV file\n"
         "  preview KEY   show the scores of a period as they would be now: a month such as 2026-03, a quarter such as "
         "2026-Q1,\n"
         "                a year such as 2026, or last:28d; --plan FILE: try this plan file instead of the stored "
         "plans\n"
         "  explain KEY AGENT [INDICATOR]\n"
         "                show how a score came about; of an indicator or a flag also the tickets that cost most; "
         "--plan "
         "FILE,\n"
         "                --lang zh|en\n"
         "  report KEY FOLDER [SUBJECT]\n"
         "                write a page for each agent, team and project, or for one of them; without SUBJECT also a "
         "list "
         "of all\n"
         "                cards, and pay.csv, training.csv and ranking.csv; --level LEVEL, --plan FILE, --lang zh|en\n"
         "  refresh       bring the ledger up to date, from which the scores come; the daemon does so by itself; "
         "--all: "
         "make\n"
         "                all of it again\n"
         "  enter KEY AGENT INDICATOR ABOVE/BASE --why TEXT\n"
         "                enter the value of an indicator whose value is manual, before the period is closed\n"
         "  close KEY --why TEXT\n"
         "                close a period: its cards and the rows behind them never change again; --early: without "
         "waiting\n"
         "                for its end and for settle\n"
         "  restate KEY --why TEXT\n"
         "                make the next version of a closed period, from the facts of now; --early\n"
         "  cards KEY     show the cards of a closed period, with adjustments\n"
         "  verify KEY    compute a closed period again from its frozen rows, and show what differs\n"
         "  drift KEY     show what later facts would change in a closed period\n"
         "  adjust KEY AGENT --why TEXT\n"
         "                change a closed card: --exclude TICKET (with --indicator NAME only from this one), --points "
         "N,\n"
         "                or --undo NUMBER of another adjustment\n"
         "  appeal KEY --text TEXT\n"
         "                contest your own card; --indicator NAME, --ticket TICKET (several times)\n"
         "  withdraw NUMBER, appeals\n"
         "                withdraw or show your own appeals\n"
         "  appeals KEY   show the appeals of a period\n"
         "  decide NUMBER accept|reject --why TEXT\n"
         "                decide an appeal; accept with an adjustment, as of adjust\n"
         "  page KEY [AGENT]\n"
         "                show everything about an agent in a period: cards, what costs most points, the periods "
         "before,\n"
         "                notes, appeals, and who has read it; without AGENT: about you; --lang zh|en\n"
         "  access [AGENT]\n"
         "                show who has read the results of an agent; without AGENT: yours\n"
         "  note AGENT --indicator NAME --text TEXT --until DAY\n"
         "                write down what you agreed with an agent that you lead; --target VALUE, --ticket TICKET "
         "(several\n"
         "                times); DAY: when you look at it again\n"
         "  notes [AGENT]\n"
         "                show the notes about an agent, with the indicator over the 28 days before and after; "
         "--all: about\n"
         "                all that you may see; without AGENT: about you\n"
         "  acknowledge NUMBER\n"
         "                acknowledge a note about you\n"
         "  finish NUMBER done|dropped --text TEXT\n"
         "                end a note that you wrote, with the outcome\n"
         "  pseudonyms    give each new agent the pseudonym that the schema bi shows, by the key of "
         "appraisal.key_file\n"
         "  forget AGENT --why TEXT\n"
         "                remove the id of an agent whose periods are final from everything that appraisals store\n\n"
         "      --by NAME      who does it (the user), for the record\n"
         "      --in PLAN      the plan, if AGENT has cards in several\n"
         "      --level LEVEL  AGENT is a team or a project; of report: write the pages of agent, team or project\n\n"
         "Reading results of persons is recorded, with --why as the reason.\n"
         "The actions need the role kpid_hr. With kpid_lead, preview, explain, report, cards, drift, appeals KEY, "
         "page, notes "
         "and enter\n"
         "work for the agents that you lead by the roster, and note and finish need it. appeal, withdraw, acknowledge, "
         "and page,\n"
         "access, notes and appeals about yourself need kpid_agent and a login in the roster.\n",
         cmd_appraisal},
        {"explain", "Show how a ticket led to its KPIs", "TICKET",
         "Shows the ticket's events in order, its state after each, its SLA clocks, and what it adds to which KPIs.\n",
         cmd_explain},
        {"dlq", "Show rejected events, or read them again", "list|show|requeue",
         "  list                                show the latest; --reason R, --topic T, --limit N (50)\n"
         "  show TOPIC/PARTITION/OFFSET         show one with its headers and bytes; --raw: only the bytes\n"
         "  requeue TOPIC/PARTITION/OFFSET...   send messages to their topics again, and read lines of files again;\n"
         "                                      --reason R: all of a reason that were not requeued yet;\n"
         "                                      --dry-run: only show what would be done\n\n"
         "A message that still has an error becomes a new dead letter.\n",
         cmd_dlq},
        {"gap", "Show partitions that stopped because events are missing, or let them continue", "list|accept|retire",
         "  list                      show the gaps, open ones first\n"
         "  accept TOPIC/PARTITION    continue at the first message that exists; --at earliest|expected|OFFSET\n"
         "  retire TOPIC[/PARTITION]  never read it again, so that deadlines no longer wait for it\n",
         cmd_gap},
        {"source", "Remove all events of a source, as if they had never come", "drop SOURCE",
         "  drop SOURCE --why TEXT  remove the events whose source is SOURCE or begins with it and a slash, while "
         "daemons run,\n"
         "                          with a record in report.source_drop. You can stop and repeat the command.\n\n"
         "      --reread    set the topics that are mapped to SOURCE back to their oldest message\n"
         "      --who NAME  who does it, for the record (the user who runs kpid)\n"
         "      --dry-run   only count what would be removed\n",
         cmd_source},
        {"settings", "Show or change the settings that all instances share", "show|set",
         "  show             show the settings that are stored in the database\n"
         "  set NAME VALUE   change report.time_zone, kafka.group.id, alert.topic or topics.NAME for all instances\n\n"
         "kpi.fcr_window cannot change, because every stored figure was calculated with it.\n",
         cmd_settings},
        {"alerts", "Show, acknowledge or silence alerts", "list|ack|unack|silence|unsilence|test",
         "  list               show the active alerts, oldest first; --state S, --project P, --target T, --all\n"
         "  ack ALERT          acknowledge an alert; --why TEXT; --again TIME (such as 4h): raise it again after that\n"
         "  unack ALERT        withdraw the acknowledgement; --why TEXT\n"
         "  silence            record alerts but send none: --until TIME, --why TEXT; --since TIME, --project P, "
         "--target T\n"
         "  unsilence NUMBER   end a silence now\n"
         "  test RECEIVER      send a test message to a receiver, and show its answer\n\n"
         "ALERT is an id, or TICKET/TARGET/N. TIME is a time with a zone (RFC 3339), or from now: 30m, 2h, 1d.\n",
         cmd_alerts},
        {"verify", "Recalculate everything from the stored histories and compare it, or repair it", "",
         "Prints the differences by table, row and column; exit status 1 if there are any. Daemons may run "
         "meanwhile.\n\n"
         "      --sample N   check N random tickets: only their own rows, not the sums of agents\n"
         "      --ticket ID  check one ticket: only its own rows\n"
         "      --repair     repair the differences in one transaction, record it in report.repair, and check again\n"
         "      --why TEXT   with --repair: the reason, for the record\n"
         "      --who NAME   with --repair: who repairs, for the record (the user who runs kpid)\n",
         cmd_verify},
        {"shard", "Find the shard of a ticket, or make a copy of a database one of more shards", "find|keep --of COUNT",
         "  find TICKET...   print the index of the shard that has each ticket, if tickets are shared by their hash\n"
         "  keep INDEX       delete the tickets of all other shards from this database, and make it shard INDEX of "
         "COUNT;\n"
         "                   for copies of a database whose shards become more, with the daemon stopped. Its user must "
         "be\n"
         "                   a member of kpid_owner. `kpid verify --repair` corrects the sums afterwards.\n\n"
         "      --of COUNT   number of shards\n",
         cmd_shard},
        {"federate", "Make a database in which all shards are read as one", "--shards FILE",
         "Prints SQL for the database of [postgres]: servers, foreign tables, and the schema report over all shards.\n"
         "A superuser of that database must run it. It needs the packages postgresql-contrib and "
         "postgresql-15-plproxy.\n\n"
         "      --shards FILE  one line per shard, by index: how to connect to its database, as for libpq, such as\n"
         "                     host=db0 dbname=kpid user=federation. The user is a member of kpid_reader, and of\n"
         "                     kpid_operator if alerts are acknowledged; it and its password are the same for all.\n"
         "      --apply        run the SQL, in one transaction\n",
         cmd_federate},
        {"doctor", "Check everything around the daemon, and advise what to do", "",
         "Checks versions, configuration, database and role, brokers, topics, the consumer group, lag and failures.\n"
         "Each finding is ok, warn or fail; exit status 1 if one is fail. Changes nothing.\n",
         cmd_doctor},
        {"top", "Watch compliance, agents, deadlines and lag live", "",
         "      --interval, -i TIME  time between two updates (2s)\n"
         "      --once               print once and exit; implied by --json and if the output is not a terminal\n\n"
         "Press q to exit. Reads only the schema report.\n",
         cmd_top},
        {"board", "Serve a live page for the operations room", "",
         "Serves the page on the address of [board] listen until SIGTERM or SIGINT. Reads only the schema report.\n",
         cmd_board},
        {"hook", "Receive webhooks of help desks and write them to Kafka", "",
         "Receives on the address of [hook] listen until SIGTERM or SIGINT. Each section [hook NAME] names a path, its "
         "topic,\n"
         "and how requests are signed. Answers 200 once Kafka has acknowledged a request, else 503. Uses no "
         "database.\n",
         cmd_hook},
        {"version", "Show the versions of the program and its libraries", "", NULL, cmd_version},
        {NULL, NULL, NULL, NULL, NULL},
};
