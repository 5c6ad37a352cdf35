"""Records of other systems up to flat events: the CPU of a mapping per record of 1 KB, and rows of CSV in bounded memory."""
import csv
import json
import os
import subprocess

from rig import ROOT, BenchError

MAPPINGS = os.path.join(ROOT, "deploy", "mappings")
MOST_US, MOST_S_PER_MILLION, MOST_MIB = 35, 60, 64
RECORD_BYTES = 1024


def webhook(name):
    """The first record of a case, with a text that makes it 1 KB, as letters of customers do."""
    with open(os.path.join(MAPPINGS, f"{name}.cases", "life.ndjson"), encoding="utf-8") as file:
        record = json.loads(file.readline())
    record["text"] = ""
    record["text"] = "x" * (RECORD_BYTES - len(json.dumps(record)))
    return json.dumps(record) + "\n"


def measure(rig, mapping, file, form, rounds=0):
    program = os.path.join(rig.programs, "bench_mapping")
    done = subprocess.run([program, os.path.join(MAPPINGS, mapping), file, form, *([str(rounds)] if rounds else [])],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"bench_mapping: {done.stderr}")
    return json.loads(done.stdout)


def write_rows(path, n_rows):
    header = "工单编号 项目 房号 报修类型 紧急程度 报修时间 接单人 接单时间 到场时间 完成时间 状态 满意度 评语".split()
    with open(path, "w", encoding="gb18030", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(header)
        for i in range(n_rows):
            day, minute = f"2026/5/{i % 28 + 1}", i % 50
            rows.writerow([f"GD{i}", "东湖小区", f"{i % 30}-{i % 7}01", "门窗/门锁", "普通", f"{day} 8:{minute:02d}", f"员工{i % 90}",
                           f"{day} 9:{minute:02d}", f"{day} 10:{minute:02d}", f"{day} 11:{minute:02d}", "已完成", "满意", "谢谢师傅，来得快"])


def run(rig, results, options):
    table = []
    for name in ("zendesk_webhook", "zammad_webhook", "chatwoot"):
        path = rig.path(f"{name}.ndjson")
        with open(path, "w", encoding="utf-8") as file:
            file.write(webhook(name))
        figures = measure(rig, f"{name}.lua", path, "ndjson", 20_000 if options.quick else 200_000)
        results.add("mapping", name, figures)
        table.append([name, f"{RECORD_BYTES:,}", round(figures["cpu_us_per_record"], 1), MOST_US])
    results.table("A record through a mapping, its parse included", ["mapping", "bytes", "CPU µs per record", "goal"], table)
    n_rows = options.events or (100_000 if options.quick else 1_000_000)
    path = rig.path("rows.csv")
    write_rows(path, n_rows)
    figures = measure(rig, "wuye.lua", path, "csv")
    per_million = figures["seconds"] / n_rows * 1e6
    results.add("mapping", "csv", {**figures, "bytes": os.path.getsize(path), "seconds_per_million": round(per_million, 2)})
    results.table(f"CSV in GB18030 up to flat events, {n_rows:,} rows that give {figures['events']:,} events",
                  ["seconds per million rows", "goal", "CPU seconds per million rows", "peak of memory, MiB", "goal"],
                  [[round(per_million, 1), MOST_S_PER_MILLION, round(figures["cpu_us_per_record"], 1), figures["rss_max_mib"],
                    MOST_MIB]])
