"""Running things against the clock, and what processes cost: memory at its peak, CPU seconds."""

import json
import os
import signal
import subprocess
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


class TooSlow(Exception):
    """It was stopped: the time for one measurement is over."""


class Failed(Exception):
    """It ended with an error, whose words these are."""


class Usage:
    """CPU seconds, and bytes of memory at the peak."""

    def __init__(self, cpu=0.0, peak=0):
        self.cpu = cpu
        self.peak = peak


def _stat(pid):
    """The fields of /proc/PID/stat from the state on; None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def tree(pid):
    """A process and all below it."""
    children = {}
    for name in os.listdir("/proc"):
        fields = _stat(name) if name.isdigit() else None
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


def usage_of(pid):
    """What a process and those below it have used; ended children count for their CPU time."""
    total = Usage()
    for each in tree(pid):
        fields = _stat(each)
        if not fields:
            continue
        total.cpu += sum(int(ticks) for ticks in fields[11:15]) / TICKS
        try:
            with open(f"/proc/{each}/status", encoding="ascii", errors="replace") as file:
                total.peak += sum(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))
        except OSError:
            pass
    return total


def reset_peaks(pid):
    """From here on the peak is counted anew."""
    for each in tree(pid):
        try:
            with open(f"/proc/{each}/clear_refs", "w", encoding="ascii") as file:
                file.write("5")
        except OSError:
            pass


def busy_seconds():
    """(busy, all) CPU seconds of the machine so far."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(text) for text in file.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS, sum(fields) / TICKS


def drop_caches():
    """Forgets what the kernel has cached, where one may."""
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("3")
    except OSError:
        pass


def end(process, patience=10):
    """Ends a process: kindly, then not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Ran:
    """What a command that ended well said, how long it took, and what it cost."""

    def __init__(self, output, seconds, usage):
        self.output = output
        self.seconds = seconds
        self.usage = usage

    @property
    def figures(self):
        """Of the bench's own programs."""
        return json.loads(self.output)


def run(command, environment, limit, directory=None):
    """Runs a command to its end. TooSlow after `limit` seconds; Failed if it fails."""
    start = time.monotonic()
    process = subprocess.Popen(command, env=environment, cwd=directory, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               errors="replace", start_new_session=True)
    late = threading.Event()

    def stop():
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(limit, stop)
    timer.start()
    errors = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
    reader.start()
    output = process.stdout.read()
    reader.join()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if late.is_set():
        raise TooSlow
    if process.returncode != 0:
        raise Failed(f"{' '.join(command[:3])}...: {errors[0].strip()[-400:]}")
    return Ran(output, seconds, Usage(used.ru_utime + used.ru_stime, used.ru_maxrss << 10))
