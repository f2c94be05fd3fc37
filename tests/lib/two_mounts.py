"""What the conformance suite does with files that a shell cannot: each command prints one word or line to compare.

    ranges MOUNTED LOCAL COUNT          COUNT ranges at random, by checksum: "same"
    fsync MOUNTED OTHER SIZE            SIZE bytes, fsync, seen by the other mount, SIZE bytes more, close: "ok"
    reader MOUNTED OTHER NEW            reads half, OTHER is replaced by NEW, reads on: "old", "told" (ESTALE) or "mixed"
    last A B MODE                       both open, A closes, B closes: the outcome of each, as "ok ESTALE"
    race A B MODE ROUNDS                both open, both close at once: "N of ROUNDS" had one winner; A, B: directories
    append A B COUNT ACKNOWLEDGED       both append COUNT lines at once; those that were taken go into that file
    many DIR COUNT                      COUNT files 0001, 0002, ... of one byte

MODE: `excl` (O_CREAT | O_EXCL), `update` (O_TRUNC of what is there), `append`.
"""

import concurrent.futures
import errno
import hashlib
import os
import random
import sys
import threading
import time

FLAGS = {"excl": os.O_CREAT | os.O_EXCL, "update": os.O_TRUNC, "append": os.O_APPEND}


def write_all(descriptor, data):
    while data:
        data = data[os.write(descriptor, data):]


def outcome(call, *arguments):
    """Of a call: its value, and "ok" or the name of its error."""
    try:
        return call(*arguments), "ok"
    except OSError as error:
        return None, errno.errorcode[error.errno]


def awaited(path, seconds=10):
    """The path, when this machine sees it: within --metadata-ttl it may believe that it is not there."""
    end = time.monotonic() + seconds
    while not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.05)
    return path


def ranges(mounted, local, count):
    draw = random.Random(42)
    sums = [hashlib.sha256(), hashlib.sha256()]
    files = [os.open(path, os.O_RDONLY) for path in (mounted, local)]
    size = os.fstat(files[1]).st_size
    for _ in range(int(count)):
        length = draw.choice([1, 511, 4096, 70_000, 300_000])
        start = draw.randrange(size)
        for descriptor, digest in zip(files, sums):
            digest.update(os.pread(descriptor, length, start))
    print("same" if sums[0].digest() == sums[1].digest() else "different")


def fsync(mounted, other, size):
    first, second = (random.Random(name).randbytes(int(size)) for name in "ab")
    descriptor = os.open(mounted, os.O_CREAT | os.O_WRONLY)
    write_all(descriptor, first)
    os.fsync(descriptor)
    with open(awaited(other), "rb") as file:
        committed = file.read()
    write_all(descriptor, second)
    os.close(descriptor)
    with open(mounted, "rb") as file:
        closed = file.read()
    if committed != first:
        print(f"after fsync: {len(committed)} bytes, or others")
    elif closed != first + second:
        print(f"after close: {len(closed)} bytes, or others")
    else:
        print("ok")


def reader(mounted, other, new):
    with open(awaited(mounted), "rb") as file:
        old = file.read()
    with open(new, "rb") as file:
        replacement = file.read()
    # Bytes of its own, not the kernel's: what was read above is dropped with the page cache of that handle.
    descriptor = os.open(mounted, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    half = len(old) // 2
    got = os.pread(descriptor, half, 0)
    with open(other, "wb") as file:
        file.write(replacement)
    try:
        while len(got) < len(old) and (more := os.pread(descriptor, 1 << 20, len(got))):
            got += more
    except OSError as error:
        print("told" if error.errno == errno.ESTALE and old.startswith(got) else errno.errorcode[error.errno])
        return
    print("old" if got == old else "mixed")


def texts(mode):
    """What A and B write. Never what was there before: the same bytes have the same ETag."""
    return [f"{mode} of {machine}\n".encode() for machine in "ab"]


def last(a, b, mode):
    """B closes when A has closed."""
    paths = (a, b if mode == "excl" else awaited(b))
    files = [os.open(path, os.O_WRONLY | FLAGS[mode], 0o644) for path in paths]
    results = []
    for descriptor, text in zip(files, texts(mode)):
        _, written = outcome(os.write, descriptor, text)
        _, closed = outcome(os.close, descriptor)
        results.append(closed if written == "ok" else written)
    print(*results)


def race(a, b, mode, rounds):
    """In how many rounds there was one winner."""
    names = [f"race-{mode}-{number}" for number in range(int(rounds))]
    if mode != "excl":
        for name in names:
            with open(os.path.join(a, name), "wb") as file:
                file.write(b"old\n")
        awaited(os.path.join(b, names[-1]))
    winners = [one_race([os.path.join(directory, name) for directory in (a, b)], mode) for name in names]
    print(winners.count(1), "of", rounds)


def one_race(paths, mode):
    files = [os.open(path, os.O_WRONLY | FLAGS[mode], 0o644) for path in paths]
    for descriptor, text in zip(files, texts(mode)):
        os.write(descriptor, text)
    together = threading.Barrier(2)
    results = [None, None]

    def close(index):
        together.wait()
        results[index] = outcome(os.close, files[index])[1]

    threads = [threading.Thread(target=close, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bad = [result for result in results if result not in ("ok", "EEXIST", "ESTALE")]
    if bad:
        print("a close said", *bad)
    elif results.count("ok") == 1:
        with open(paths[results.index("ok")], "rb") as file:
            if file.read() != texts(mode)[results.index("ok")]:
                print("the winner's content is not there")
    return results.count("ok")


def append(a, b, count, acknowledged):
    taken, others = [], []
    for path in (a, b):
        awaited(path)

    def work(path, name):
        for number in range(int(count)):
            line = f"{name} {number}\n"
            descriptor, opened = outcome(os.open, path, os.O_WRONLY | os.O_APPEND)
            if opened != "ok":
                others.append(opened)
                continue
            written = outcome(os.write, descriptor, line.encode())[1]
            closed = outcome(os.close, descriptor)[1]
            if written == closed == "ok":
                taken.append(line)
            else:
                others.append(closed if written == "ok" else written)
                time.sleep(random.random() / 20)  # so that neither is the loser all the time

    threads = [threading.Thread(target=work, args=job) for job in ((a, "a"), (b, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open(acknowledged, "w", encoding="ascii") as file:
        file.writelines(sorted(taken))
    print("ok" if set(others) <= {"ESTALE"} else " ".join(sorted(set(others))))


def many(directory, count):
    def write(number):
        with open(f"{directory}/{number:04d}", "w", encoding="ascii") as file:
            file.write("x")

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(1, int(count) + 1)))


COMMANDS = {function.__name__: function for function in (ranges, fsync, reader, last, race, append, many)}
COMMANDS[sys.argv[1]](*sys.argv[2:])
