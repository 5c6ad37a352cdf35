"""The dead letters of a database compared with those of the recomputation."""
import collections
import csv
import os


def of_database(site):
    rows = site.rows("SELECT topic, partition, \"offset\", reason FROM report.dead_letter")
    return split_conflicts((topic, int(partition), int(offset), reason) for topic, partition, offset, reason in rows)


def of_recomputation(folder):
    with open(os.path.join(folder, "dead_letter.csv"), encoding="utf-8", newline="") as file:
        return split_conflicts((row["topic"], int(row["partition"]), int(row["offset"]), row["reason"])
                               for row in csv.DictReader(file))


def split_conflicts(rows):
    """The number of letters per (topic, partition, offset, reason), which can be 2 in a recreated topic; and the
    number of conflicts, whose coordinates depend on which message came first."""
    plain = collections.Counter(rows)
    conflicts = [row for row in plain if row[3] == "id_conflict"]
    return plain, sum(plain.pop(row) for row in conflicts)


def differences(site, folder):
    (actual, n_actual), (expected, n_expected) = of_database(site), of_recomputation(folder)
    found = [f"dead letter {row}: {expected[row]} expected, {actual[row]} there" for row in sorted({*expected, *actual})
             if expected[row] != actual[row]][:10]
    if n_actual != n_expected:
        found.append(f"{n_expected} conflicts expected, {n_actual} there")
    sent = {place[:3] for place in site.stream.sent}
    found += [f"dead letter {row}: never sent" for row in site.rows(
        "SELECT topic, partition, \"offset\" FROM report.dead_letter WHERE reason = 'id_conflict'") if tuple(row) not in sent]
    return found


def reasons(folder):
    """The recomputation's number of letters per reason."""
    plain, n_conflicts = of_recomputation(folder)
    by_reason = collections.Counter(id_conflict=n_conflicts)
    for (*_, reason), n in plain.items():
        by_reason[reason] += n
    return by_reason
