"""The chart of a run: a row for each line, a mark for each program, further right is faster. 100 % is what
libcurl alone gets from the same server."""

import math
from html import escape

import lines
import report

LEAST, MOST = 0.01, 16
TICKS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10)
ROW, TOP, TITLES, PLOT, FIGURES, GAP = 24, 96, 250, 330, 150, 20
# name: colour, shape; Coffer's are large
MARKS = {"coffer": ("#0b57d0", "circle"), "sealed": ("#0f9d8a", "diamond"), "s3fs": ("#e8710a", "square"),
         "rclone": ("#9334e6", "square"), "rclone-crypt": ("#c58af9", "diamond"),
         "geesefs": ("#b06000", "circle"), "mount-s3": ("#d93025", "circle")}


def _text(x, y, text, *, size=12, anchor="start", colour="#202124", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
            f'font-weight="{weight}">{escape(text)}</text>')


def _mark(x, y, name, counted=True):
    colour, shape = MARKS[name]
    r = {"coffer": 5, "sealed": 6}.get(name, 4.5)
    style = f'fill="{colour}" stroke="#fff" stroke-width="1"' if counted else \
        f'fill="#fff" stroke="{colour}" stroke-width="1.5"'
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" {style}/>'
    turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if shape == "diamond" else ""
    return f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}"{turn} {style}/>'


def _at(ratio):
    """Where a ratio stands in the plot."""
    ratio = min(max(ratio, LEAST), MOST)
    return PLOT * math.log(ratio / LEAST) / math.log(MOST / LEAST)


def _row(row, left, y, names):
    out = [f'<line x1="{left}" x2="{left + PLOT}" y1="{y}" y2="{y}" stroke="#e8eaed"/>']
    # Coffer last, so that it stands above the others, and plain above sealed
    for name in sorted(names, key=lambda each: (each in lines.COFFER, each == "coffer")):
        cell = row.cells.get(name)
        if cell is None or name not in MARKS:
            continue
        if cell.slow:
            out.append(_text(left - 2, y + 4, "‹", size=14, anchor="end", colour=MARKS[name][0],
                             weight="bold"))
        elif row.speed(name, "raw"):
            out.append(_mark(left + _at(row.speed(name, "raw")), y, name, not row.lesser(name)))
    peer = row.best_peer("coffer")
    beside = f", {row.speed('coffer', peer):.1f} x {peer}" if peer and row.speed("coffer", peer) else ""
    figure, slow = row.figure("coffer"), row.cell("coffer").slow
    told = f"> {slow:g} s" if slow else "" if figure is None else \
        f"{report.number(figure)} {row.line.unit}{beside}"
    return out + [_text(left + PLOT + 10, y + 4, told, size=11, colour="#3c4043")]


def _panel(title, found, order, names, left):
    bottom = TOP + ROW * len(order)
    out = [_text(left, TOP - 26, title, size=13, weight="bold")]
    for tick in TICKS:
        x = left + _at(tick)
        out += [f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{bottom}" '
                f'stroke="{"#5f6368" if tick == 1 else "#e8eaed"}"/>',
                _text(x, TOP - 10, f"{tick:.0%}", size=10, anchor="middle", colour="#5f6368")]
    for i, key in enumerate(order):
        if key in found:
            out += _row(found[key], left, TOP + ROW * i + ROW / 2, names)
    return out


def _legend(names, y):
    out, x = [], 16
    for name in names:
        out += [_mark(x, y - 4, name), _text(x + 11, y, name)]
        x += 32 + 7 * len(name)
    for words in ("hollow: a lesser answer, not counted", "‹: took too long", "100%: libcurl alone"):
        out.append(_text(x + 8, y, words, colour="#5f6368"))
        x += 24 + 6.5 * len(words)
    return out


def draw(result):
    """SVG."""
    panels = [(place, [row for row in report.rows(result, place) if "raw" in row.cells])
              for place in result["sizes"]]
    order = [key for key in lines.LINES if any(row.line.key == key for _, found in panels for row in found)]
    names = [name for name in MARKS if any(name in row.cells for _, found in panels for row in found)]
    step = PLOT + FIGURES + GAP
    width, height = TITLES + step * len(panels), TOP + ROW * len(order) + 44
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif">',
           f'<rect width="{width}" height="{height}" fill="#fff"/>',
           _text(16, 26, "Speed on one S3 server, beside libcurl alone (further right is faster)", size=16,
                 weight="bold"),
           _text(16, 46, f"{result['date']}, commit {result['commit']}, {result['machine']}", size=11,
                 colour="#5f6368")]
    for i, key in enumerate(order):
        out.append(_text(TITLES - 14, TOP + ROW * i + ROW / 2 + 4, lines.LINES[key].title, anchor="end"))
    for i, (place, found) in enumerate(panels):
        title = "near" if place == "near" else "far: 30 ms of round trip, 90 MB/s a connection"
        out += _panel(title, {row.line.key: row for row in found}, order, names, TITLES + step * i)
    return "\n".join([*out, *_legend(names, height - 16), "</svg>", ""])
