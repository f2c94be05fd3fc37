"""A run: every program on every line, near and far, one after the other, again and again."""

import dataclasses
import os
import shutil
import subprocess
import sys
import time

import lines
import measure
import programs
import server

MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Size:
    """How much of everything at one distance."""

    big: int     # bytes
    small: int   # files
    listed: int  # files in one directory
    tree: int    # files in a hundredth as many directories
    random: int  # reads
    runs: int
    limit: float  # seconds for one measurement
    idle: float  # seconds

    big_name = property(lambda self: f"big-{self.big // MIB}")
    small_name = property(lambda self: f"small-{self.small}")
    list_name = property(lambda self: f"list-{self.listed}")
    tree_name = property(lambda self: f"tree-{self.tree}")

    def shape(self, kind):
        """(files, bytes of each, directories that they are spread over; 0: none)."""
        return {"big": (1, self.big, 0), "small": (self.small, lines.SMALL, 0),
                "list": (self.listed, 100, 0), "tree": (self.tree, 100, self.tree // 20)}[kind]


FULL = {"near": Size(1024 * MIB, 1000, 10000, 2000, 1000, 5, 60, 10),
        "far": Size(512 * MIB, 200, 10000, 2000, 200, 3, 60, 10)}
QUICK = {"near": Size(64 * MIB, 50, 500, 100, 50, 1, 5, 2),
         "far": Size(64 * MIB, 50, 500, 100, 50, 1, 5, 2)}


class Source:
    """A source tree: files of this repository, as many as asked for."""

    FOLDERS = ("crypto", "s3client", "fs", "man", "tests")

    def __init__(self, work):
        self._work = work
        self._bytes = {}

    def tree(self, size):
        """Its directory."""
        path = os.path.join(self._work, f"source-{size.small}")
        if not os.path.isdir(path):
            files = sorted(os.path.join(directory, name) for folder in self.FOLDERS
                           for directory, _, names in os.walk(folder) for name in names
                           if not name.endswith(".pyc"))
            kept = [file for file in files if not os.path.islink(file)][:size.small]
            for file in kept:
                os.makedirs(os.path.join(path, os.path.dirname(file)), exist_ok=True)
                shutil.copyfile(file, os.path.join(path, file))
            self._bytes[size.small] = (len(kept), sum(map(os.path.getsize, kept)))
            subprocess.run(["tar", "cf", f"{path}.tar", "-C", path, "."], check=True)
        return path

    def archive(self, size):
        """The same as a tar file."""
        return self.tree(size) + ".tar"

    def count(self, size):
        """Files in it."""
        self.tree(size)
        return self._bytes[size.small][0]

    def bytes(self, size):
        """Bytes in them."""
        self.tree(size)
        return self._bytes[size.small][1]


class Trial:
    """One program, or libcurl alone, on one scene, once: what a stage works with."""

    def __init__(self, bench, place, program, mount, run):
        self.bench = bench
        self.url, self.size = place
        self.program = program
        self.mount = mount
        self.seed = run + 1
        self.own = f"own-{program.name if program else 'raw'}-{run}"
        self._raw = measure.Usage()
        self.begin()

    def begin(self):
        """From here on it costs."""
        self._counted = measure.Usage()
        if self.mount:
            measure.reset_peaks(self.mount.process.pid)
            self._before = measure.usage_of(self.mount.process.pid)
            self._asked = self.program.requests(self.mount.path)

    def cost(self):
        """What it has cost since: usage, and requests where they are known."""
        usage = self._counted
        made = {}
        if self.mount:
            now = measure.usage_of(self.mount.process.pid)
            usage = measure.Usage(usage.cpu + now.cpu - self._before.cpu, max(usage.peak, now.peak))
            after = self.program.requests(self.mount.path)
            made = {name: count - self._asked.get(name, 0) for name, count in after.items()
                    if count > self._asked.get(name, 0)}
        return usage, made

    def at(self, *names):
        """A path in the mount."""
        return os.path.join(self.mount.path, *names)

    def mkdir(self, name):
        """A directory in the mount, with those above it."""
        os.makedirs(self.at(name), exist_ok=True)

    def tool(self, *command, counted=False):
        """Runs a command; `counted`: it is part of the program that is measured."""
        ran = measure.run(list(command), self.bench.environment, self.size.limit)
        if counted:
            self._count(ran.usage)
        return ran

    def _count(self, usage):
        self._counted = measure.Usage(self._counted.cpu + usage.cpu, max(self._counted.peak, usage.peak))

    def files(self, *words, make=None):
        """Runs the workload program, which tells its seconds itself."""
        if make:
            self.mkdir(make)
        ran = self.tool(self.bench.tool("files"), *map(str, words))
        ran.seconds = ran.figures["seconds"]
        return ran

    def raw(self, *words):
        """Runs the program on libcurl alone; its seconds."""
        ran = self.bench.server.raw("plain", *words, url=self.url, limit=self.size.limit * 2)
        self._count(ran.usage)
        return ran.figures["seconds"]

    def stored(self, ran, prefix, count, size):
        """Seconds until all of it is in S3."""
        return self._until(ran, prefix, lambda files, held: files >= count and held >= size)

    def gone(self, ran, prefix):
        """Seconds until nothing of it is in S3."""
        return self._until(ran, prefix, lambda files, held: files == 0)

    def _until(self, ran, prefix, done):
        returned = time.monotonic()
        while True:
            looked = time.monotonic()
            if done(*self.bench.server.count(self.program.store, prefix + "/")):
                # what was there at the first look was there when the call returned
                late = looked - returned if looked - returned > 0.01 else 0
                return ran.seconds + late
            if ran.seconds + looked - returned > self.size.limit:
                raise measure.TooSlow
            time.sleep(0.02)

    def fill(self, name):
        """Makes a directory of small files, which the mount then has to find."""
        self.bench.data.make(name, self.size.shape("small"), self.program, self.mount)
        time.sleep(1.2)
        self.begin()


class Bench:
    """Everything, from the server to the samples."""

    def __init__(self, settings, work):
        self.settings = settings
        self.work = work
        self.coffer = os.path.join(settings.build, "coffer")
        self.environment = {
            "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": work,
            "RESTIC_PASSWORD": "bench", "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "COFFERTESTACCESSKEY1",
            "AWS_SECRET_ACCESS_KEY": "coffer/test+secret/key/number/one/40char"}
        self.source = Source(work)
        self.samples = []
        self._met = set()
        self.started = time.monotonic()
        self.server = server.Server(self)
        self.end = time.monotonic() + settings.seconds  # from then on peers are left out, and soon all
        self.data = server.Data(self)
        self.sizes = QUICK if settings.quick else FULL

    def tool(self, name):
        """One of the bench's own programs."""
        return os.path.join(self.settings.build, "bench", name)

    def command(self, words, environment):
        """Runs what only prepares."""
        return measure.run(words, environment, 600)

    def say(self, text):
        """Progress."""
        print(f"{time.monotonic() - self.started:6.0f} s  {text}", file=sys.stderr, flush=True)

    def run(self, after_scene):
        """All of it; calls `after_scene` when there is more to show."""
        scenes = lines.chosen(self.settings.lines)
        entrants = [None, *programs.chosen(self, self.settings.peers)]
        for bucket in sorted({program.store for program in entrants if program}):
            self.server.raw(bucket, "make")
        for program in entrants[1:]:
            program.get_ready()
        steps = [(place, scene) for place in self.sizes for scene in scenes]
        for done, (place, scene) in enumerate(steps):
            if time.monotonic() > self.end + self.settings.seconds / 10:
                self.say(f"time is over: {place} {' '.join(line.key for line in scene.lines)} is left out")
                continue
            end = time.monotonic() + max(0, self.end - time.monotonic()) / (len(steps) - done)
            self._scene(place, scene, entrants, end)
            after_scene()

    def _scene(self, place, scene, entrants, end):
        size = self.sizes[place]
        where = (self.server.url if place == "near" else self.server.far(), size)
        only = scene.lines[0].only
        here = [program for program in entrants if not (program and only and program.name not in only)]
        had = {}  # seconds that each has had of the scene; no more for those that were stopped
        for run in range(size.runs):
            turn = run % len(here)
            for program in here[turn:] + here[:turn]:
                now = time.monotonic()
                over = program and program.name not in lines.COFFER and now > self.end
                if over or had.get(program, 0) > size.limit or (run and now > end):
                    continue
                start = time.monotonic()
                well = self._attempt(place, where, scene, program, run)
                had[program] = had.get(program, 0) + time.monotonic() - start if well else size.limit + 1

    def _meet(self, program, url):
        if program and (program, url) not in self._met:
            program.meet(url)
            self._met.add((program, url))

    def _attempt(self, place, where, scene, program, run):
        """One program's turn; False when it need not have another."""
        url, size = where
        try:
            self._meet(program, url)
            self.data.need(scene.needs, size, program, url)
            if program is None:
                return self._stages(place, where, scene, None, None, run)
            if not self.settings.quick:
                measure.drop_caches()
            with programs.Mounted(program, url, scene.lines[0].key) as mount:
                return self._stages(place, where, scene, program, mount, run)
        except measure.Failed as failure:  # it does not even mount
            self._add(place, scene.lines[0], program, run, failed=str(failure))
            return False
        finally:
            self._clear(program, run)

    def _stages(self, place, where, scene, program, mount, run):
        well = True
        for line in scene.lines:
            stage = line.stage if program else line.raw
            if stage is None:
                continue
            trial = Trial(self, where, program, mount, run)
            busy, total = measure.busy_seconds()
            try:
                seconds = stage(trial)
            except measure.TooSlow:
                self._add(place, line, program, run, slow=where[1].limit)
                return False  # who knows what it is still doing
            except (measure.Failed, OSError) as failure:
                self._add(place, line, program, run, failed=str(failure))
                well = False
                continue
            now_busy, now_total = measure.busy_seconds()
            usage, made = trial.cost()
            self._add(place, line, program, run, seconds=seconds, cpu=usage.cpu, peak=usage.peak,
                      requests=made, busy=(now_busy - busy) / max(now_total - total, 0.01))
        return well

    def _add(self, place, line, program, run, **sample):
        name = program.name if program else "raw"
        self.samples.append({"place": place, "line": line.key, "program": name, "run": run, **sample})
        told = f"{sample['seconds']:.3f} s" if "seconds" in sample else \
            f"> {sample['slow']:g} s" if "slow" in sample else f"fails: {sample['failed']}"
        self.say(f"{place} {line.key} {name}: {told}")

    def _clear(self, program, run):
        store = program.store if program else "plain"
        self.server.raw(store, "clear", f"own-{program.name if program else 'raw'}-{run}/")
