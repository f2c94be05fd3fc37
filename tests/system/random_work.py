"""Random work on a mount by several workers, each in a directory of its own with a model of what must be there.

    random_work.py run DIRECTORY MODEL_FILE --seed N [--workers N] [--operations N]
    random_work.py check DIRECTORY MODEL_FILE         what is in DIRECTORY equals the model
    random_work.py stored CONTROL_URL BUCKET MODEL_FILE   and so do the objects in the stand-in's bucket

Prints one line for each difference (wrong bytes, a success that was none) and each error that was shown, and "N
operations, N reads"; exit code 1 if there was any.
"""

import argparse
import base64
import json
import os
import random
import sys
import threading
import time
import urllib.request

# A DELETE that a time-out gave up on may still reach the service: no file system on S3 can take it back. So a name
# that was removed is not used again at once, as it would be lost then.
REUSE_AFTER_S = 3.0
SIZES = [0, 1, 100, 4096, 5000, 100_000, 131_072, 200_000]
LARGE = 5_500_000  # streamed in two parts with --write-part-size 5M
PIECE = 131_072


class Worker:
    def __init__(self, root, seed, name, operations):
        self.random = random.Random(f"{seed}/{name}")
        self.operations = operations
        self.top = os.path.join(root, name)
        self.name = name
        self.files = {}  # path below the root: bytes
        self.modes = {}  # path: permission bits, where they were set
        self.directories = [name]
        self.removed = {}  # path: when
        self.root = root
        self.counter = 0
        self.done = 0
        self.reads = 0
        self.troubles = []

    def path(self, name):
        return os.path.join(self.root, name)

    def content(self, size):
        return self.random.randbytes(size)

    def some_size(self):
        return LARGE if self.random.random() < 0.02 else self.random.choice(SIZES)

    def fresh(self):
        """A name that is free: one that was removed long enough ago, or a new one."""
        now = time.monotonic()
        old = [name for name, when in self.removed.items() if now - when > REUSE_AFTER_S]
        if old and self.random.random() < 0.3:
            name = self.random.choice(sorted(old))
            if os.path.dirname(name) in self.directories:
                del self.removed[name]
                return name
        self.counter += 1
        return f"{self.random.choice(self.directories)}/f{self.counter}"

    def any_file(self):
        return self.random.choice(sorted(self.files)) if self.files else None

    def differ(self, what):
        self.troubles.append(f"WRONG {self.name}: {what}")

    # ---- the operations; each changes the model after the call has succeeded
    def write(self, name, flags, data):
        fd = os.open(self.path(name), os.O_WRONLY | flags, 0o644)
        try:
            for at in range(0, len(data), PIECE):
                piece = data[at:at + PIECE]
                if os.write(fd, piece) != len(piece):
                    self.differ(f"short write to {name}")
            if self.random.random() < 0.2:
                os.fsync(fd)
        finally:
            os.close(fd)

    def create(self):
        name, data = self.fresh(), self.content(self.some_size())
        self.write(name, os.O_CREAT | os.O_EXCL, data)
        self.files[name] = data
        self.modes.pop(name, None)

    def overwrite(self):
        name = self.any_file()
        data = self.content(self.some_size())
        self.write(name, os.O_TRUNC, data)
        self.files[name] = data

    def append(self):
        name = self.any_file()
        data = self.content(self.random.choice([1, 50, 4096, 20_000]))
        self.write(name, os.O_APPEND, data)
        self.files[name] += data

    def read(self):
        name = self.any_file()
        expected = self.files[name]
        fd = os.open(self.path(name), os.O_RDONLY)
        try:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            if self.random.random() < 0.5:
                at = self.random.randrange(len(expected) + 1)
                size = self.random.choice([1, 4096, 100_000])
                got, wanted = os.pread(fd, size, at), expected[at:at + size]
            else:
                pieces = []
                while piece := os.read(fd, PIECE):
                    pieces.append(piece)
                got, wanted = b"".join(pieces), expected
        finally:
            os.close(fd)
        self.reads += 1
        if got != wanted:
            self.differ(f"{len(got)} bytes of {name} are not the {len(wanted)} that were written")

    def stat(self):
        name = self.any_file()
        got = os.stat(self.path(name))
        if got.st_size != len(self.files[name]):
            self.differ(f"{name} has {got.st_size} bytes, not {len(self.files[name])}")
        if name in self.modes and got.st_mode & 0o777 != self.modes[name]:
            self.differ(f"{name} has mode {got.st_mode & 0o777:o}, not {self.modes[name]:o}")

    def chmod(self):
        name, mode = self.any_file(), self.random.choice([0o600, 0o640, 0o755])
        os.chmod(self.path(name), mode)
        self.modes[name] = mode

    def rename(self):
        old = self.any_file()
        onto = self.random.random() < 0.3 and len(self.files) > 1
        new = self.random.choice(sorted(set(self.files) - {old})) if onto else self.fresh()
        os.rename(self.path(old), self.path(new))
        self.files[new] = self.files.pop(old)
        self.modes.pop(new, None)
        if old in self.modes:
            self.modes[new] = self.modes.pop(old)
        self.removed[old] = time.monotonic()

    def unlink(self):
        name = self.any_file()
        os.unlink(self.path(name))
        del self.files[name]
        self.modes.pop(name, None)
        self.removed[name] = time.monotonic()

    def mkdir(self):
        if len(self.directories) > 6:
            return
        self.counter += 1
        name = f"{self.random.choice(self.directories)}/d{self.counter}"
        os.mkdir(self.path(name))
        self.directories.append(name)

    def list(self):
        directory = self.random.choice(self.directories)
        got = sorted(os.listdir(self.path(directory)))
        wanted = sorted(os.path.basename(name) for name in [*self.files, *self.directories]
                        if os.path.dirname(name) == directory)
        if got != wanted:
            self.differ(f"{directory} lists {sorted(set(got) ^ set(wanted))} wrongly")

    def absent(self):
        self.counter += 1
        name = f"{self.random.choice(self.directories)}/none{self.counter}"
        try:
            os.stat(self.path(name))
            self.differ(f"{name} is there")
        except FileNotFoundError:
            pass

    def run(self):
        kinds = [self.create] * 4 + [self.overwrite] * 2 + [self.append] * 2 + [self.read] * 6 + [self.stat] * 2 + [
            self.chmod, self.rename, self.rename, self.unlink, self.mkdir, self.list, self.list, self.absent]
        os.mkdir(self.top)
        for number in range(self.operations):
            kind = self.random.choice(kinds) if len(self.files) > 2 else self.create
            try:
                kind()
            except OSError as error:
                # What holds after an error is not known: the worker ends, and has shown it.
                self.troubles.append(f"ERROR {self.name}: operation {number}, {kind.__name__}: {error}")
                return
            self.done += 1

    def guarded(self):
        try:
            self.run()
        except Exception as error:  # a thread's end would be seen by nobody
            self.troubles.append(f"ERROR {self.name}: {error!r}")


def run(options):
    workers = [Worker(options.directory, options.seed, f"w{i}", options.operations) for i in range(options.workers)]
    threads = [threading.Thread(target=worker.guarded) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    model = {"files": {}, "directories": []}
    for worker in workers:
        model["directories"] += worker.directories
        for name, data in worker.files.items():
            model["files"][name] = base64.b64encode(data).decode()
    with open(options.model, "w", encoding="utf-8") as file:
        json.dump(model, file)
    print(f"{sum(w.done for w in workers)} operations, {sum(w.reads for w in workers)} reads")
    return [trouble for worker in workers for trouble in worker.troubles]


def load(path):
    with open(path, encoding="utf-8") as file:
        model = json.load(file)
    return {name: base64.b64decode(data) for name, data in model["files"].items()}, set(model["directories"])


def compare(got, model):
    files, directories = model
    troubles = [f"WRONG: {name} is missing" for name in sorted(set(files) - set(got))]
    troubles += [f"WRONG: {name} should not be there" for name in sorted(set(got) - set(files) - directories)]
    troubles += [f"WRONG: {name} has other bytes" for name in sorted(files) if name in got and got[name] != files[name]]
    return troubles


def check(options):
    got = {}
    for directory, _, names in os.walk(options.directory):
        for name in names:
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                got[os.path.relpath(path, options.directory)] = file.read()
    print(f"{len(got)} files")
    return compare(got, load(options.model))


def stored(options):
    def control(command, **fields):
        request = urllib.request.Request(f"{options.url}/-/buckets/{options.bucket}/{command}",
                                         json.dumps(fields).encode(), method="POST")
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)
    listing = control("keys", prefix="")
    got = {}
    for key in listing["keys"]:
        if not key.endswith("/"):
            got[key] = base64.b64decode(control("get", key=key, body=True)["body_b64"])
    print(f"{len(got)} objects")
    return compare(got, load(options.model)) + [f"WRONG: unfinished upload {u}" for u in listing["uploads"]]


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("run")
    one.add_argument("directory")
    one.add_argument("model")
    one.add_argument("--seed", type=int, required=True)
    one.add_argument("--workers", type=int, default=4)
    one.add_argument("--operations", type=int, default=100)
    one.set_defaults(action=run)
    one = commands.add_parser("check")
    one.add_argument("directory")
    one.add_argument("model")
    one.set_defaults(action=check)
    one = commands.add_parser("stored")
    one.add_argument("url")
    one.add_argument("bucket")
    one.add_argument("model")
    one.set_defaults(action=stored)
    options = parser.parse_args()
    troubles = options.action(options)
    print("\n".join(troubles), end="\n" if troubles else "")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
