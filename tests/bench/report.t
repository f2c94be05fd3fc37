#!/usr/bin/env python3
"""What the bench makes of samples: medians, ratios, bars, and who counts. Measures nothing."""

import dataclasses
import os
import sys
import xml.dom.minidom

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bench
import chart
import lines
import report

COUNT = 0


def is_(got, expected, description):
    global COUNT
    COUNT += 1
    print(f"{'ok' if got == expected else 'not ok'} {COUNT} - {description}")
    if got != expected:
        print(f"#      got: {got!r}\n# expected: {expected!r}")
        is_.failed = True


is_.failed = False


def sample(line, program, seconds, place="near", **more):
    return {"place": place, "line": line, "program": program, "run": 0, "seconds": seconds, "cpu": 1.0,
            "peak": 1 << 20, "requests": {"GetObject": 3}, "busy": 0.5, **more}


def result(*samples):
    return {"date": "2026-01-02", "commit": "0", "machine": "m", "samples": list(samples),
            "sizes": {place: dataclasses.asdict(size) for place, size in bench.FULL.items()}}


def row(*samples, place="near"):
    return report.rows(result(*samples), place)[0]


found = row(*(sample("write", "raw", s) for s in (1.0, 9.0, 2.0)), sample("write", "coffer", 2.5),
            sample("write", "sealed", 3.0), sample("write", "s3fs", 5.0), sample("write", "rclone-crypt", 2.9))
is_(found.cell("raw").seconds, 2.0, "a median of three")
is_(round(found.figure("coffer")), 429, "MB/s of a GiB")
is_(found.speed("coffer", "raw"), 0.8, "beside raw")
is_(found.best_peer("coffer"), "s3fs", "plain is beside what stores plain objects")
is_(found.best_peer("sealed"), "rclone-crypt", "and sealed beside what encrypts")
is_(found.missed(), ["sealed 90% of plain", "sealed ahead of rclone-crypt"], "what was not reached")

found = row(sample("write", "raw", 2.0), sample("write", "coffer", 3.0), place="near")
is_(found.missed(), ["75% of raw"], "the bar of the line")
found = row(sample("write", "raw", 2.0), {"place": "near", "line": "write", "program": "coffer", "run": 0, "slow": 60})
is_(found.missed(), ["75% of raw"], "who was stopped has not reached it")
busy = [sample("write", "raw", 2.0, busy=0.95), sample("write", "coffer", 3.0, cpu=2.0)]
is_(row(*busy, sample("write", "s3fs", 5.0, cpu=3.0)).missed(), [], "a busy machine: fewer CPU seconds than peers will do")
is_(row(*busy, sample("write", "s3fs", 5.0, cpu=1.0)).missed(), ["75% of raw"], "but not more")

found = row(sample("walk", "raw", 2.0, "far"), sample("walk", "coffer", 0.3, "far"), place="far")
is_(found.missed(), ["1000% of raw"], "a bar of its own for far away")
found = row(sample("mv", "raw", 1.0), sample("mv", "coffer", 1.8), sample("mv", "geesefs", 0.1), sample("mv", "s3fs", 4.0))
is_((found.best_peer("coffer"), found.missed()), ("s3fs", []), "who answers less does not count")
is_(row(sample("mv", "raw", 1.0), sample("mv", "coffer", 1.91)).missed(), ["1.4 x raw + 0.5 s"], "seconds beside raw's")
found = row(sample("read", "raw", 1.0), sample("read", "coffer", 1.0, peak=400 << 20))
is_(found.missed(), ["coffer in 384 MiB"], "memory over the budget")

everything = result(*(sample(key, program, 1.0, place) for place in ("near", "far") for key in lines.LINES
                      for program in ("raw", "coffer", "sealed", "s3fs", "geesefs")),
                    {"place": "far", "line": "cp", "program": "rclone", "run": 0, "failed": "Input/output error"})
text = report.table(everything)
is_([line.title for line in lines.LINES.values() if line.key != "idle" and line.title + ", " not in text], [],
    "the table has every line")
is_("fails" in text and "a shown, not counted: " in text, True, "failures and lesser answers are told")
is_(len(xml.dom.minidom.parseString(chart.draw(everything)).getElementsByTagName("svg")), 1, "the chart is XML")
print(f"1..{COUNT}")
sys.exit(1 if is_.failed else 0)
