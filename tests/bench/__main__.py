"""`make bench`: Coffer beside other file systems over S3, and beside the wire itself.

python3 tests/bench             a run; B, BENCH, BENCH_LINES, BENCH_PEERS, GEESEFS, MOUNT_S3 as CONTRIBUTING.md says
python3 tests/bench scale       cost beside the number of objects, on the stand-in server
python3 tests/bench show FILE   the table and the chart of a result.json again
"""

import dataclasses
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import bench
import chart
import report
import scale


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the environment says."""

    build: str
    quick: bool
    lines: list
    peers: list
    seconds: float  # for all of it

    @staticmethod
    def read():
        """From B and BENCH*."""
        kind = os.environ.get("BENCH", "")
        if kind not in ("", "quick"):
            raise SystemExit(f"bench: BENCH={kind}: there is only BENCH=quick")
        return Settings(os.path.realpath(os.environ.get("B") or "build"), kind == "quick",
                        os.environ.get("BENCH_LINES", "").replace(",", " ").split(),
                        os.environ.get("BENCH_PEERS", "").replace(",", " ").split(),
                        (4 if kind == "quick" else 75) * 60)


def machine():
    """One line about where this ran."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")),
                     platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {platform.release()}"


def commit():
    """Which version was measured."""
    told = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=10"], check=False,
                          capture_output=True, text=True)
    return told.stdout.strip() or "unknown"


def write(path, text):
    """Replaces a file."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def show(result, directory):
    """The table and the chart beside result.json."""
    text = report.table(result)
    write(os.path.join(directory, "result.txt"), text)
    write(os.path.join(directory, "chart.svg"), chart.draw(result))
    return text


def run(settings):
    """A run of the bench; 1 when Coffer, or the bench, failed anywhere."""
    out = os.path.join(settings.build, "bench")
    work = tempfile.mkdtemp(prefix="coffer-bench.")
    whole = None
    try:
        whole = bench.Bench(settings, work)
        result = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "commit": commit(),
                  "quick": settings.quick,
                  "sizes": {place: dataclasses.asdict(size) for place, size in whole.sizes.items()},
                  "samples": whole.samples}

        def save():
            result["seconds"] = round(time.monotonic() - whole.started)
            write(os.path.join(out, "result.json"), json.dumps(result, indent=1))
            show(result, out)

        whole.run(save)
        print(show(result, out))
        print(f"{out}/result.txt, result.json, chart.svg; {result['seconds']} s")
        failed = [sample for sample in whole.samples
                  if "failed" in sample and sample["program"] in ("raw", "coffer", "sealed")]
        for sample in failed:
            print(f"bench: {sample['program']} fails, {sample['place']} {sample['line']}: "
                  f"{sample['failed']}", file=sys.stderr)
        return 1 if failed else 0
    finally:
        if whole:
            whole.server.stop()
        shutil.rmtree(work, ignore_errors=True)


def main(words):
    """The command line."""
    for number in (signal.SIGTERM, signal.SIGHUP):  # an end that takes everything down, as ^C does
        signal.signal(number, lambda *_: sys.exit(1))
    os.chdir(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    if words[:1] == ["show"] and len(words) == 2:
        with open(words[1], encoding="utf-8") as file:
            print(show(json.load(file), os.path.dirname(os.path.abspath(words[1]))))
        return 0
    if words == ["scale"]:
        return scale.run(Settings.read())
    if words:
        print(__doc__, file=sys.stderr)
        return 2
    return run(Settings.read())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
