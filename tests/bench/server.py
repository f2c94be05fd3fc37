"""The server that all are measured on, Ceph RGW, and the data in its buckets."""

import os
import shutil
import subprocess
import time

import measure
import programs

OLD = 2  # seconds from which on attributes are remembered


class Server:
    """RGW of the bench's own, near; and the same behind a proxy, as far away as S3 is."""

    ROUND_TRIP_MS = 30
    MB_PER_SECOND = 90  # each connection
    # what was removed is in memory until it is collected, and there is a GiB of it every few seconds
    SETTINGS = "rgw_gc_obj_min_wait = 1\nrgw_gc_processor_period = 2\nrgw_gc_processor_max_time = 2"

    def __init__(self, bench):
        self.bench = bench
        self._directory = os.path.join(bench.work, "rgw")
        self._proxy = None
        up = subprocess.run(["tests/rgw", "up", self._directory], check=False, capture_output=True,
                            text=True, env=dict(os.environ, RGW_CONF=self.SETTINGS))
        if up.returncode:
            raise SystemExit(f"bench: Ceph RGW does not start: {up.stderr}")
        told = dict(line[len("export "):].split("=", 1) for line in up.stdout.splitlines()
                    if line.startswith("export ") and line.count("=") == 1)
        self.url = told["COFFER_TEST_RGW_URL"]

    def far(self):
        """The address of the same server, far away."""
        if self._proxy is None:
            self._proxy = subprocess.Popen(
                [self.bench.tool("shape"), self.url.rpartition(":")[2], str(self.ROUND_TRIP_MS),
                 str(self.MB_PER_SECOND)], stdout=subprocess.PIPE, text=True)
            self._port = self._proxy.stdout.readline().strip()
        return f"http://127.0.0.1:{self._port}"

    def stop(self):
        """Ends it, and forgets what it stored."""
        if self._proxy is not None:
            measure.end(self._proxy)
            self._proxy.stdout.close()
        subprocess.run(["tests/rgw", "destroy", self._directory], check=False)

    def raw(self, bucket, *words, url=None, limit=600):
        """Runs the program on libcurl alone."""
        command = [self.bench.tool("raw"), f"{url or self.url}/{bucket}", *map(str, words)]
        return measure.run(command, self.bench.environment, limit)

    def count(self, bucket, prefix):
        """(files, bytes) below a prefix; markers of directories are not files."""
        figures = self.raw(bucket, "list", prefix).figures
        return figures["count"], figures["bytes"]


class Data:
    """What the lines that read need, made once in each bucket: by libcurl where objects are plain, by
    the program itself where they are sealed."""

    def __init__(self, bench):
        self.bench = bench
        self._there = {}  # what was made, or looked at, and when

    def need(self, kinds, size, program, url):
        """Makes those that are missing, and lets a program that remembers look at all of it once.
        Without a program: for libcurl."""
        store = program.store if program else "plain"
        names = [getattr(size, f"{kind}_name") for kind in kinds]
        for kind, name in zip(kinds, names):
            if (store, name) not in self._there:
                self.bench.say(f"making {name} in the bucket {store}")
                self.make(name, size.shape(kind), program)
                self._there[store, name] = time.monotonic()
        for name in names if program and program.remembers else []:
            if (program.name, url, name) not in self._there:
                time.sleep(max(0, self._there[store, name] + OLD - time.monotonic()))
                with programs.Mounted(program, url) as mount:
                    self.bench.command(["ls", "-lR", os.path.join(mount.path, name)],
                                       self.bench.environment)
                self._there[program.name, url, name] = time.monotonic()

    def make(self, name, shape, program, mount=None):
        """Files, as many and as large as `shape` says, in the program's bucket."""
        count, of_each, fan = shape
        if program is None or program.store == "plain":
            words = ["upload", name, of_each, 8] if count == 1 else ["put", name, count, of_each, 16, fan]
            self.bench.server.raw("plain", *words)
        elif program.copies:
            local = os.path.join(self.bench.work, "local")
            program.copy(self._create(local, name, shape), name)
            shutil.rmtree(local)
        elif mount:
            self._create(mount.path, name, shape)
        else:
            with programs.Mounted(program, self.bench.server.url) as new:
                self._create(new.path, name, shape)

    def _create(self, directory, name, shape):
        count, of_each, fan = shape
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        words = ["write", path, of_each] if count == 1 else ["create", path, count, of_each, 16, fan]
        self.bench.command([self.bench.tool("files"), *map(str, words)], self.bench.environment)
        return path
