"""`make bench-scale`: what Coffer costs beside the number of objects, and a very large object read at random,
on the stand-in server, which makes them up. Seconds are the stand-in's as much as Coffer's: what counts is
how they grow."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request

import measure
import programs
import report

COUNTS = (1000, 10_000, 100_000, 1_000_000)
EXACT = 100_000  # above it the attributes come from the listing
HUGE = 64 << 30
READS = 500
LIMIT = 3600


class StandIn:
    """tests/server with one bucket."""

    def __init__(self, work):
        port = os.path.join(work, "port")
        with open(os.path.join(work, "server.log"), "w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                ["python3", "tests/server", "--port", "0", "--port-file", port, "--bucket", "plain"],
                stdout=log, stderr=log)
        end = time.monotonic() + 60
        while not os.path.exists(port) or not os.path.getsize(port):
            if self._process.poll() is not None or time.monotonic() > end:
                raise SystemExit("bench: the stand-in server does not start")
            time.sleep(0.05)
        with open(port, encoding="ascii") as file:
            self.url = f"http://127.0.0.1:{file.read().strip()}"

    def make(self, what, **values):
        """Objects, past all requests."""
        request = urllib.request.Request(f"{self.url}/-/buckets/plain/{what}", method="POST",
                                         data=json.dumps(values).encode())
        urllib.request.urlopen(request).read()

    def stop(self):
        """Ends it."""
        measure.end(self._process)


class Setting:
    """What programs.py asks of a bench."""

    def __init__(self, settings, work):
        self.work = work
        self.coffer = os.path.join(settings.build, "coffer")
        self.files = os.path.join(settings.build, "bench", "files")
        self.environment = {
            "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC", "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "COFFERTESTACCESSKEY1",
            "AWS_SECRET_ACCESS_KEY": "coffer/test+secret/key/number/one/40char"}


def _on(setting, server, line, command):
    """(seconds of the mount, of the command; memory at the peak, CPU seconds, requests), cold."""
    start = time.monotonic()
    coffer = programs.Coffer(setting)
    with programs.Mounted(coffer, server.url, line) as mount:
        mounted = time.monotonic() - start
        ran = measure.run([word.replace("@", mount.path) for word in command], setting.environment, LIMIT)
        usage = measure.usage_of(mount.process.pid)
        made = sum(coffer.requests(mount.path).values())
    seconds = ran.figures["seconds"] if command[0] == setting.files else ran.seconds
    return [f"{mounted:.2f}", f"{seconds:.2f}", f"{usage.peak >> 20}", f"{usage.cpu:.2f}", str(made)]


def _rows(setting, server):
    yield ["", "mount, s", "then, s", "MiB at the peak", "CPU s", "requests"]
    for count in COUNTS:
        server.make("fill", prefix=f"flat{count}/", count=count, size=5000, age_s=3600)
        server.make("fill", prefix=f"deep{count}/", count=count, size=5000, age_s=3600, depth=1)
        if count <= EXACT:
            for words in (["ls", "@/flat"], ["find", "@/deep"], ["ls", "-l", "@/flat"]):
                yield [f"{' '.join(words).replace('@/flat', '').replace('@/deep', '')}, {count:,} objects",
                       *_on(setting, server, "ls-new", words[:-1] + [words[-1] + str(count)])]
        yield [f"ls -l --attributes=list, {count:,} objects",
               *_on(setting, server, "ls-list", ["ls", "-l", f"@/flat{count}"])]
    server.make("put", key="huge", size=HUGE, age_s=3600)
    for block, name in ((4096, "4 KiB"), (131072, "128 KiB")):
        for jobs in (1, 16):
            yield [f"{READS} reads of {name} in 64 GiB, {jobs} at once",
                   *_on(setting, server, "", [setting.files, "random", "@/huge", str(block), str(READS),
                                              str(jobs), "1"])]


def run(settings):
    """Prints the table."""
    work = tempfile.mkdtemp(prefix="coffer-bench.")
    server = StandIn(work)
    try:
        table = list(_rows(Setting(settings, work), server))
    finally:
        server.stop()
        shutil.rmtree(work, ignore_errors=True)
    print(report.grid(table))
    return 0
