"""What a run has found out: medians, ratios, and the table of them."""

import math
import statistics

import bench
import lines
import programs

MIB = 1 << 20
BUDGET = (256 + 128) * MIB  # a mount's own, and what the program is beside it
BUSY = 0.9                  # of the machine, from where raw says more about it than about the wire
CPU_DECIDES = "libcurl alone keeps the machine busy: CPU seconds decide"
ORDER = ["raw", *(kind.name for kind in programs.ALL)]
KINDS = {kind.name: kind for kind in programs.ALL}


class Cell:
    """A program on a line: medians over its runs."""

    def __init__(self, samples):
        good = [sample for sample in samples if "seconds" in sample]
        self.runs = len(good)
        self.slow = next((sample["slow"] for sample in samples if "slow" in sample), None)
        self.failed = next((sample["failed"] for sample in samples if "failed" in sample), None)
        self.seconds = self.cpu = self.peak = self.busy = None
        self.requests = {}
        if good and not self.slow and not self.failed:
            self.seconds = statistics.median(sample["seconds"] for sample in good)
            self.cpu = statistics.median(sample["cpu"] for sample in good)
            self.busy = statistics.median(sample["busy"] for sample in good)
            self.peak = max(sample["peak"] for sample in good)
            self.requests = good[-1]["requests"]


class Row:
    """A line at one distance."""

    def __init__(self, line, place, size, cells):
        self.line = line
        self.far = place == "far"
        self.amount = line.amount(size)
        self.cells = cells

    def cell(self, name):
        """Of a program; one without samples if it was not there."""
        return self.cells.get(name) or Cell([])

    def figure(self, name):
        """In the line's unit; None if there is none."""
        seconds = self.cell(name).seconds
        if seconds is None:
            return None
        if self.line.unit == "s":
            return seconds
        return self.amount / max(seconds, 1e-6) / (1e6 if self.line.unit == "MB/s" else 1)

    def speed(self, name, beside):
        """How many times as fast as another."""
        mine, other = self.cell(name).seconds, self.cell(beside).seconds
        return None if mine is None or other is None else other / max(mine, 1e-6)

    def lesser(self, name):
        """Why a figure does not count; None if it does."""
        return KINDS[name].lesser.get(self.line.key) if name in KINDS else None

    def peers(self, name):
        """Who gives the same answer."""
        store = "crypt" if name == "sealed" else "plain"
        return [peer for peer in self.cells if peer in KINDS and peer not in lines.COFFER and
                KINDS[peer].store == store and not self.lesser(peer)]

    def best_peer(self, name):
        """The fastest of them; None if none got there."""
        there = [peer for peer in self.peers(name) if self.cell(peer).seconds is not None]
        return min(there, key=lambda peer: self.cell(peer).seconds, default=None)

    def missed(self):
        """What Coffer was to reach, and did not, in a few words each."""
        out = []
        raw, plain = self.cell("raw"), self.cell("coffer")
        if self.line.bar and raw.seconds and (plain.seconds or plain.slow or plain.failed):
            most = self.line.bar.seconds(raw.seconds, self.far)
            if (plain.seconds or math.inf) > most and not self._cheaper(raw):
                out.append(self.line.bar.text(self.far))
        part = self.line.sealed[self.far] if self.line.sealed else 0
        if (self.speed("sealed", "coffer") or part) < part:
            out.append(f"sealed {part:.0%} of plain")
        for name in lines.COFFER:
            peer = self.best_peer(name)
            if peer and (self.speed(name, peer) or 1) < 1:
                out.append(f"{name} ahead of {peer}")
            if (self.cell(name).peak or 0) > BUDGET:
                out.append(f"{name} in {BUDGET // MIB} MiB")
        return out

    def _cheaper(self, raw):
        """Where libcurl alone keeps the machine busy, CPU seconds decide."""
        peers = [self.cell(peer).cpu for peer in self.peers("coffer") if self.cell(peer).cpu]
        cpu = self.cell("coffer").cpu
        return raw.busy > BUSY and peers and cpu is not None and cpu < min(peers)


def rows(result, place):
    """The lines of a place that have samples."""
    size = bench.Size(**result["sizes"][place])
    out = []
    for line in lines.LINES.values():
        found = {}
        for sample in result["samples"]:
            if (sample["place"], sample["line"]) == (place, line.key):
                found.setdefault(sample["program"], []).append(sample)
        if found:
            out.append(Row(line, place, size, {name: Cell(found[name]) for name in ORDER if name in found}))
    return out


def number(value):
    """Three digits."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"


def percent(value):
    """A ratio."""
    return "-" if value is None else f"{value:.0%}" if value < 10 else f"{value:.1f}x"


def grid(lines_of_cells):
    """Columns, the first one to the left."""
    widths = [max(len(row[i]) for row in lines_of_cells) for i in range(len(lines_of_cells[0]))]
    return "\n".join("  ".join(text.ljust(width) if i == 0 else text.rjust(width)
                               for i, (text, width) in enumerate(zip(row, widths))).rstrip()
                     for row in lines_of_cells)


class _Notes:
    """Marks beside figures, and what they mean."""

    def __init__(self):
        self._marks = {}

    def mark(self, text):
        """A letter."""
        if not text:
            return ""
        return " " + self._marks.setdefault(text, "abcdefghijk"[len(self._marks)])

    def text(self):
        """The legend."""
        return "\n".join(f"{mark} {text}" for text, mark in self._marks.items())


def _shown(row, name, notes):
    cell = row.cells.get(name)
    if cell is None:
        return ""
    if cell.slow:
        return f"> {cell.slow:g} s"
    busy = name == "raw" and (cell.busy or 0) > BUSY and CPU_DECIDES
    lesser = row.lesser(name) and f"shown, not counted: {row.lesser(name)}"
    return ("fails" if cell.failed else number(row.figure(name))) + notes.mark(busy or lesser)


def _speeds(found, names, notes):
    table = [["", *names, "coffer/raw", "/best peer", "sealed/coffer", "not reached"]]
    for row in found:
        peer = row.best_peer("coffer")
        table.append([f"{row.line.title}, {row.line.unit}", *(_shown(row, name, notes) for name in names),
                      percent(row.speed("coffer", "raw")),
                      percent(peer and row.speed("coffer", peer)),
                      percent(row.speed("sealed", "coffer")), "; ".join(row.missed()) or "."])
    return grid(table)


def _costs(found, names):
    """Peak MiB, and CPU seconds per GiB or per 1,000 files."""
    table = [["MiB at the peak / CPU seconds", *names]]
    for row in found:
        per = row.amount / (1 << 30) if row.line.unit == "MB/s" else row.amount / 1000
        each = "GiB" if row.line.unit == "MB/s" else "1,000"
        cells = [row.cells.get(name) for name in names]
        table.append([f"{row.line.title}, per {each}",
                      *("" if not cell or cell.seconds is None else
                        f"{cell.peak / MIB:.0f} / {cell.cpu / per:.2f}" for cell in cells)])
    return grid(table)


def _requests(found):
    table = []
    for row in found:
        for name in lines.COFFER:
            made = row.cell(name).requests
            if made:
                table.append([f"{row.line.title}, {name}:",
                              ", ".join(f"{made[key]} {key}" for key in sorted(made))])
    width = max((len(title) for title, _ in table), default=0)
    return "\n".join(f"{title.ljust(width)}  {text}" for title, text in table)


def table(result):
    """All of it as text."""
    notes = _Notes()
    out = [f"{result['date']}, commit {result['commit']}, {result['machine']}; one server, one run"]
    for place, size in result["sizes"].items():
        found = [row for row in rows(result, place) if row.line.key != "idle"]
        if not found:
            continue
        names = [name for name in ORDER if any(name in row.cells for row in found)]
        distance = "" if place == "near" else ", 30 ms of round trip, 90 MB/s each connection"
        out += [f"\n{place.upper()}{distance}: {size['big'] // MIB} MiB, {size['small']} files, "
                f"{size['listed']} listed, medians of up to {size['runs']}",
                _speeds(found, names, notes), "", _costs(found, names), "",
                "Requests of Coffer", _requests(found)]
        for row in rows(result, place):
            if row.line.key == "idle":
                out += ["Idle: " + ", ".join(
                    f"{name} {sum(cell.requests.values())} requests and {cell.cpu / row.amount:.2%} CPU in "
                    f"{row.amount:g} s" for name, cell in row.cells.items() if cell.seconds)]
    return "\n".join([*out, "", notes.text(), ""])
