"""What a source file has to itself, in its unnamed namespace, has a name that nothing else has at the top of its layer
or of a layer below: files of a layer are compiled together, where such a name would be found first, and another
function be called than is meant. A unit test, which are compiled together as well, stands in a namespace of its file's name
instead. Prints what breaks that, and exits with 1."""

import collections
import glob
import os
import re
import sys

LAYERS = ["crypto", "s3client", "fs"]  # each includes the ones before
TYPE = re.compile(r"(?:struct|class|enum class|enum|union)\s+(?:\[\[\w+\]\]\s+)?(?:[A-Z_]+(?:\([^)]*\))?\s+)?(\w+)(?!\w*::)[^;]*[{:]?")
ALIAS = re.compile(r"using (\w+) =")
# a function or a variable, not a member that is defined outside of its class
OTHER = re.compile(r"(?!using |namespace|template|return|public|private|#|//|})[\w:<>,*&\[\]() ]*?[\w>*&\]] [*&]?(\w+)(?:\(|\[| =(?: |$)|\{|;)")


def names(path, unnamed):
    """(name, line) of what stands at the top of the file: in its unnamed namespace, or outside of it."""
    inside = False
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("namespace {"):
                inside = True
            elif line.startswith("}  // namespace\n"):
                inside = False
            elif inside == unnamed and line[0] not in " \n":
                found = TYPE.match(line) or ALIAS.match(line) or OTHER.match(line)
                if found and not line.rstrip().endswith("::") and not (line.startswith(("struct", "class")) and ";" in line):
                    yield found.group(1), number


def namespaced(path):
    """Whether all of a unit test stands in the namespace of its file's name."""
    stem = os.path.basename(path).removesuffix(".cc")
    with open(path, encoding="utf-8") as file:
        opened = re.findall(r"^namespace ([\w:]*)", file.read(), re.M)
    return len(opened) == 1 and opened[0].endswith("::" + stem)


def main():
    taken = collections.defaultdict(set)  # by layers so far: name -> headers
    bad = 0
    for layer in LAYERS:
        for path in sorted(glob.glob(f"{layer}/*.h")):
            for name, _ in names(path, False):
                taken[name].add(path)
        own = collections.defaultdict(dict)
        for path in sorted(glob.glob(f"{layer}/*.cc")):
            for name, number in names(path, True):
                own[name].setdefault(path, number)
        for name, files in sorted(own.items()):
            others = sorted(taken[name])
            if len(files) > 1 or others:
                places = [f"{path}:{number}" for path, number in files.items()] + others
                print(f"own names: {name} stands in {', '.join(places)}", file=sys.stderr)
                bad = 1
    for path in sorted(glob.glob("tests/unit/*/*.cc")):
        if not namespaced(path):
            print(f"own names: {path} does not stand in one namespace ...::{os.path.basename(path)[:-3]}", file=sys.stderr)
            bad = 1
    return bad


sys.exit(main())
