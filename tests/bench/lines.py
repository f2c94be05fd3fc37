"""The lines of the table: what each does on a mount, what libcurl alone does for the same, and how far
Coffer may stay behind that.

A stage takes a Trial and answers with seconds. Stages of one scene run one after the other on one
mount, which nothing was done with before.
"""

import time

SMALL = 4096
RAW_WIDE = 16  # connections of the raw program where a mount takes as many as it likes


class Bar:
    """How Coffer must stand beside raw: at least that part of its speed, or at most so many times its
    seconds and some more. A pair is near and far."""

    def __init__(self, part=None, times=None, plus=(0, 0)):
        self.part = part
        self.times = times
        self.plus = plus

    def seconds(self, raw, far):
        """The most that Coffer may take where raw takes `raw`."""
        if self.part:
            return raw / self.part[far]
        return raw * self.times[far] + self.plus[far]

    def text(self, far):
        """For people."""
        if self.part:
            return f"{self.part[far]:.0%} of raw"
        return f"{self.times[far]:g} x raw" + (f" + {self.plus[far]:g} s" if self.plus[far] else "")


class Line:
    """`unit` is "MB/s", "/s" or "s"; `amount(size)` is in bytes, or in files or calls."""

    def __init__(self, key, title, unit, amount, stage, *, raw, bar=None, sealed=None, only=()):
        self.key = key
        self.title = title
        self.unit = unit
        self.amount = amount
        self.stage = stage
        self.raw = raw
        self.bar = bar
        self.sealed = sealed  # part of plain's speed that sealed must reach, near and far
        self.only = only      # programs; all if empty


class Scene:
    """Lines on one mount, and the names of the data they need."""

    def __init__(self, needs, *lines):
        self.needs = needs
        self.lines = lines


# ---- stages: what a mount is asked ---------------------------------------------------------------

def write(t):
    return t.stored(t.files("write", t.at(t.own, "big"), t.size.big, make=t.own), t.own, 1, t.size.big)


def read(t):
    return t.files("read", t.at(t.size.big_name)).seconds


def random(block, jobs):
    def stage(t):
        return t.files("random", t.at(t.size.big_name), block, t.size.random, jobs, t.seed).seconds
    return stage


def create(threads):
    def stage(t):
        name = f"{t.own}/{threads}"
        made = t.files("create", t.at(name), t.size.small, SMALL, threads)
        return t.stored(made, name, t.size.small, t.size.small * SMALL)
    return stage


def get(threads):
    def stage(t):
        return t.files("get", t.at(t.size.small_name), t.size.small, threads, t.seed).seconds
    return stage


def walk(t):
    return t.files("walk", t.at(t.size.small_name)).seconds


def ls(t):
    return t.tool("ls", "-l", t.at(t.size.list_name)).seconds


def ls_again(t):
    time.sleep(1.2)  # what was seen has to be asked again
    return ls(t)


def find(t):
    return t.tool("find", t.at(t.size.tree_name)).seconds


def copy(t):
    t.mkdir(t.own)
    made = t.tool("cp", "-a", t.at(t.size.small_name), t.at(t.own, "copy"))
    return t.stored(made, f"{t.own}/copy", t.size.small, t.size.small * SMALL)


def move(t):
    t.fill(f"{t.own}/made")
    made = t.tool("mv", t.at(t.own, "made"), t.at(t.own, "moved"))
    return t.stored(made, f"{t.own}/moved", t.size.small, t.size.small * SMALL)


def remove(t):
    return t.gone(t.tool("rm", "-r", t.at(t.own, "moved")), f"{t.own}/moved")


def remove_by_coffer(t):
    t.fill(f"{t.own}/many")
    made = t.tool(t.bench.coffer, "rm", "-r", "--yes", "--endpoint-url", t.url,
                  f"s3://{t.program.store}/{t.own}/many", counted=True)
    return t.gone(made, f"{t.own}/many")


def untar(t):
    t.mkdir(f"{t.own}/src")
    made = t.tool("tar", "xf", t.bench.source.archive(t.size), "-C", t.at(t.own, "src"))
    return t.stored(made, f"{t.own}/src", t.bench.source.count(t.size), t.bench.source.bytes(t.size))


def backup(t):
    restic = ["restic", "-q", "--no-cache", "-r", t.at(t.own, "repository")]
    t.tool(*restic, "init")
    t.begin()
    return t.tool(*restic, "backup", t.bench.source.tree(t.size)).seconds


def idle(t):
    t.tool("ls", t.at())
    time.sleep(2)
    t.begin()
    time.sleep(t.size.idle)
    return t.size.idle


# ---- the same without a file system --------------------------------------------------------------

def raw_random(block, jobs):
    return lambda t: t.raw("random", t.size.big_name, t.size.big, block, t.size.random, jobs, t.seed)


def raw_put(threads):
    return lambda t: t.raw("put", f"{t.own}/{threads}", t.size.small, SMALL, threads)


def raw_get(connections):
    return lambda t: t.raw("get", t.size.small_name, t.size.small, connections)


def raw_new(t):
    return t.raw("head", t.size.list_name, t.size.listed, 32) + \
        t.raw("get", t.size.list_name, t.size.listed, 32)


def raw_copy(t):
    return raw_get(1)(t) + t.raw("put", f"{t.own}/copy", t.size.small, SMALL, 1)


def raw_move(t):
    return t.raw("copy", t.size.small_name, f"{t.own}/moved", t.size.small, 32) + \
        t.raw("remove", f"{t.own}/moved", t.size.small)


def raw_remove(t):
    t.raw("put", f"{t.own}/one", t.size.small, SMALL, RAW_WIDE)
    t.begin()
    return t.raw("delete", f"{t.own}/one", t.size.small, 1)


def raw_remove_many(t):
    t.raw("put", f"{t.own}/many", t.size.small, SMALL, RAW_WIDE)
    t.begin()
    return t.raw("remove", f"{t.own}/many", t.size.small)


def raw_list(name):
    return lambda t: t.raw("list", getattr(t.size, name) + "/")


def raw_untar(t):
    count = t.bench.source.count(t.size)
    return t.raw("put", f"{t.own}/src", count, t.bench.source.bytes(t.size) // count, 1)


# ---- amounts -------------------------------------------------------------------------------------

def big(size):
    return size.big


def small(size):
    return size.small


def randoms(size):
    return size.random


def listed(size):
    return size.listed


RANDOM = {"bar": Bar(part=(0.8, 0.9)), "sealed": (0.7, 0.9)}
PUT = {"bar": Bar(part=(0.7, 0.85)), "sealed": (0.9, 0.95)}
LIST = Bar(times=(3, 1.5), plus=(0.3, 0.3))
COFFER = ("coffer", "sealed")


def random_line(block, name, jobs):
    return Line(f"random-{name}-{jobs}", f"random reads of {name} KiB, {jobs} at once", "/s", randoms,
                random(block, jobs), raw=raw_random(block, jobs), **RANDOM)


SCENES = (
    Scene((), Line("write", "one big file written", "MB/s", big, write, bar=Bar(part=(0.75, 0.75)),
                   sealed=(0.9, 0.95),
                   raw=lambda t: t.raw("upload", f"{t.own}/big", t.size.big, RAW_WIDE))),
    Scene(("big",), Line("read", "one big file read", "MB/s", big, read, bar=Bar(part=(0.85, 0.8)),
                         sealed=(0.9, 0.95),
                         raw=lambda t: t.raw("download", t.size.big_name, t.size.big, RAW_WIDE))),
    *(Scene(("big",), random_line(block, name, jobs))
      for block, name in ((4096, "4"), (131072, "128")) for jobs in (1, 16)),
    *(Scene((), Line(f"create-{n}", f"small files written, {n} at once", "/s", small, create(n),
                     raw=raw_put(n), **PUT)) for n in (1, 16)),
    *(Scene(("small",), Line(f"get-{n}", f"small files read, {n} at once", "/s", small, get(n),
                             raw=raw_get(n), **PUT)) for n in (1, 16)),
    Scene(("small",), Line("walk", "small files read in order", "/s", small, walk, raw=raw_get(1),
                           bar=Bar(part=(1.5, 10)), sealed=(0.9, 0.95))),
    Scene(("list",),
          Line("ls-cold", "ls -l", "s", listed, ls, bar=Bar(times=(1.3, 1.3)),
               raw=lambda t: t.raw("head", t.size.list_name, t.size.listed, 32)),
          Line("ls-again", "ls -l again", "s", listed, ls_again, bar=LIST, raw=raw_list("list_name"))),
    Scene(("list",), Line("ls-list", "ls -l, attributes of the list", "s", listed, ls, bar=LIST,
                          raw=raw_list("list_name"), only=COFFER + ("geesefs", "mount-s3"))),
    Scene(("list",), Line("ls-new", "ls -l without an index", "s", listed, ls, raw=raw_new,
                          only=COFFER)),
    Scene(("tree",), Line("find", "find in directories", "s", lambda size: size.tree, find,
                          raw=raw_list("tree_name"))),
    Scene(("small",), Line("cp", "cp -a of a directory", "s", small, copy, raw=raw_copy)),
    Scene(("small",),
          Line("mv", "mv of a directory", "s", small, move, raw=raw_move,
               bar=Bar(times=(1.4, 1.4), plus=(0.5, 0.5))),
          Line("rm", "rm -r", "s", small, remove, raw=raw_remove, bar=Bar(part=(0.8, 0.9)))),
    Scene((), Line("coffer-rm", "coffer rm -r", "s", small, remove_by_coffer, raw=raw_remove_many,
                   bar=Bar(times=(1.3, 1.3), plus=(0.5, 1)), only=COFFER)),
    Scene((), Line("tar", "tar x of a source tree", "s", lambda size: size.small, untar, raw=raw_untar)),
    Scene((), Line("restic", "restic backup of it", "s", lambda size: size.small, backup, raw=None)),
    Scene((), Line("idle", "nothing, after an ls", "s", lambda size: size.idle, idle, raw=None,
                   only=COFFER)),
)
LINES = {line.key: line for scene in SCENES for line in scene.lines}


def chosen(names):
    """All scenes, or those with the lines named, whole: a line may go on from the one before it."""
    unknown = set(names) - set(LINES)
    if unknown:
        raise SystemExit(f"bench: BENCH_LINES: no {', '.join(sorted(unknown))}; there are "
                         f"{', '.join(LINES)}")
    return [scene for scene in SCENES
            if not names or any(line.key in names for line in scene.lines)]

