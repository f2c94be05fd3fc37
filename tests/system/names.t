#!/usr/bin/env bash
# The keys of a hostile bucket, through a real mount: what can be a name is shown byte for byte, readable under it and no
# other; what cannot is hidden, counted and never deleted. And names that programs make are stored as those keys.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3

start_server --bucket demo
M=$WORK/m

# The table: each row is a case of its own, so that what one key hides does not hide another's failure. A row's keys are
# put below the prefix CASE/; `tree` is what the mount shows there (a file is "F name", a directory "D name", in bytes),
# `hidden` how many keys are not shown.
cat >"$WORK/names.py" <<'PYTHON'
import base64, json, os, subprocess, sys, urllib.request
top, url, coffer = os.fsencode(sys.argv[1]), sys.argv[2], sys.argv[3]
L255, L256 = b"n" * 255, b"n" * 256
CASES = [
    # description, keys, tree, hidden
    *[("an odd name: %r" % name[:40], [name], [b"F " + name], 0) for name in (
        b"\x01", b"\x7f", b"\n", b"\r\n", b" ", b"a ", b" a", b"a\\b", b"%2F", b"%00", b"+", b"a+b", b"&lt;", b"&#0;", b"<a>",
        b"]]>", "é".encode(), "e\u0301".encode(), "\U0001F600".encode(), b"\xed\xa0\x80", b"\xff\xfe", b"\xc0\xaf",
        "\u202egpj.exe".encode(), b"$(touch x);`id`|&\"'*?[]{}~!#", b"-rf", b"trailing.", b"...", b".hidden", b"a:b", b"=", b"@",
        b".fuse_hidden0000000100000001", b".coffer", b"coffer-put-id", b"con", b"a\tb", L255)],
    ("NFC and NFD are two names", ["é".encode(), "e\u0301".encode()], [b"F \xc3\xa9", b"F e\xcc\x81"], 0),
    ("upper and lower case are two names", [b"Readme", b"README"], [b"F README", b"F Readme"], 0),
    ("a marker", [b"a/"], [b"D a"], 0),
    ("a marker with bytes in it", [b"a/#content"], [b"D a", b"F a/#content"], 0),
    ("a directory without a marker", [b"a/b/c"], [b"D a", b"D a/b", b"F a/b/c"], 0),
    ("a file and a directory of one name", [b"a", b"a/b"], [b"D a", b"F a/b"], 1),
    ("an empty component", [b"a//b"], [b"D a"], 1),
    ("an empty component and a file", [b"a//b", b"a/c"], [b"D a", b"F a/c"], 1),
    ("only slashes", [b"/"], [], 1),
    ("two slashes", [b"//"], [], 1),
    ("a leading slash", [b"/a"], [], 1),
    ("one dot inside", [b"a/./b"], [b"D a"], 1),
    ("two dots inside", [b"a/../b"], [b"D a"], 1),
    ("one dot", [b"."], [], 1),
    ("two dots", [b".."], [], 1),
    ("out of the prefix", [b"../x"], [], 1),
    ("a dot's marker", [b"./"], [], 1),
    ("NUL", [b"a\0b"], [], 1),
    ("256 bytes in a component", [L256], [], 1),
    ("256 bytes in a directory", [L256 + b"/x", b"y"], [b"F y"], 1),
    ("500 levels", [b"d/" * 480 + b"f"], None, 0),
]
def control(command, **fields):
    request = urllib.request.Request(f"{url}/-/buckets/demo/{command}", json.dumps(fields).encode(), method="POST")
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)
def b64(data):
    return base64.b64encode(data).decode()
number, failed = 0, 0
def result(good, description, more=""):
    global number, failed
    number += 1
    print(f"{'ok' if good else 'not ok'} {number} - {description}".replace("\n", " "))
    if not good:
        failed += 1
        print("# " + more.replace("\n", "\n# "))
def hidden():
    report = subprocess.run([coffer, "status", os.fsdecode(top), "--json"], capture_output=True, check=False).stdout
    return json.loads(report)["files"]["hidden_keys"]
def walk(directory, below=b""):
    found = []
    for name in sorted(os.listdir(directory)):
        path, shown = directory + b"/" + name, below + name
        if os.path.isdir(path):
            found += [b"D " + shown, *walk(path, shown + b"/")]
        else:
            found.append(b"F " + shown)
    return found
def content(case, key):
    return b"%d %s" % (case, key)
for case, (description, keys, tree, unseen) in enumerate(CASES):
    prefix = b"%03d/" % case
    for key in keys:
        control("put", key_b64=b64(prefix + key), body_b64=b64(content(case, key)))
# In no order: who goes through directories one after the other has the next ones listed, and their keys counted.
for case in sorted(range(len(CASES)), key=lambda case: (case % 7, case)):
    description, keys, tree, unseen = CASES[case]
    prefix, directory = b"%03d/" % case, b"%s/%03d" % (top, case)
    before = hidden()
    try:
        if tree is None:  # deeper than a path may be long: step by step
            there = os.open(directory, os.O_RDONLY)
            for part in keys[0].split(b"/")[:-1]:
                below = os.open(part, os.O_RDONLY, dir_fd=there)
                os.close(there)
                there = below
            file = os.open(keys[0].split(b"/")[-1], os.O_RDONLY, dir_fd=there)
            result(os.read(file, 5000) == content(case, keys[0]), description)
            os.close(file), os.close(there)
            continue
        found = walk(directory)
        wrong = [name for name in found if name.startswith(b"F ")
                 and open(directory + b"/" + name[2:], "rb").read() != content(case, name[2:])]
        told = hidden() - before
        result(found == sorted(tree, key=lambda line: line[2:]) and not wrong and told == unseen, description,
               f"found {found}, expected {tree}; wrong content {wrong}; hidden {told}, expected {unseen}")
    except OSError as error:
        if not tree and error.errno == 2:
            result(True, description + " (nothing to show)")
        else:
            result(False, description, str(error))
# What is hidden is in the way of rmdir, and stays.
for case, (description, keys, tree, unseen) in enumerate(CASES):
    if description in ("an empty component", "one dot inside", "two dots inside"):
        try:
            os.rmdir(b"%s/%03d/a" % (top, case))
            result(False, description + ": rmdir", "it succeeded")
        except OSError as error:
            result(error.errno == 39, description + ": its directory is not empty", str(error))
live = control("keys", prefix="")["keys"]
result(len(live) == sum(len(keys) for _, keys, _, _ in CASES), "no key was removed or added by all that", str(len(live)))
def fails(code, description, call):
    try:
        call()
        result(False, description, "it succeeded")
    except OSError as error:
        result(error.errno == code, description, str(error))
# The other way: names that a program makes.
os.mkdir(top + b"/made")
for description, keys, tree, _ in CASES:
    if tree != [b"F " + keys[0]] or b"/" in keys[0]:
        continue
    path = top + b"/made/" + keys[0]
    if keys[0] in (b"\xed\xa0\x80", b"\xff\xfe", b"\xc0\xaf"):  # S3 has no way to ask for such a key
        fails(22, "EINVAL, as S3 takes UTF-8 only: " + description, lambda path=path: open(path, "xb").close())
        continue
    try:
        with open(path, "xb") as file:
            file.write(keys[0])
        stored = control("get", key_b64=b64(b"made/" + keys[0]), body=True)
        good = stored["exists"] and base64.b64decode(stored["body_b64"]) == keys[0]
        os.rename(path, path + b"2" if len(keys[0]) < 255 else path[:-1] + b"m")
        os.rename(path + b"2" if len(keys[0]) < 255 else path[:-1] + b"m", path)
        good = good and open(path, "rb").read() == keys[0]
        os.unlink(path)
        result(good and os.listdir(top + b"/made") == [], "made, renamed and removed: " + description,
               f"{stored} {os.listdir(top + b'/made')}")
    except OSError as error:
        result(False, "made, renamed and removed: " + description, str(error))
fails(36, "a name of 256 bytes is ENAMETOOLONG", lambda: open(top + b"/made/" + L256, "xb"))
deep = top + b"/made"
long = b"k" * 200
for _ in range(4):
    deep += b"/" + long
    os.mkdir(deep)
fits = 1024 - len(deep[len(top) + 1:] + b"/")
with open(deep + b"/" + b"f" * fits, "xb") as file:
    file.write(b"x")
result(control("get", key_b64=b64(deep[len(top) + 1:] + b"/" + b"f" * fits))["exists"], "a key of 1,024 bytes", str(fits))
def too_long():
    with open(deep + b"/" + b"f" * (fits + 1), "xb") as file:
        file.write(b"x")
fails(36, "a key of 1,025 bytes is ENAMETOOLONG", too_long)
print(f"1..{number}")
sys.exit(1 if failed else 0)
PYTHON
mount_coffer demo "$M" --metadata-ttl 60 || bail "no mount"
python3 "$WORK/names.py" "$M" "$SERVER_URL" "$COFFER" 2>&1
python_status=$?
tap_planned=1 # the driver's plan
grep -aq 'hidden\|not shown\|cannot be' "$WORK"/log/m/*.log || { echo "# the log says nothing of hidden keys"; python_status=1; }
[[ $(server_control GET counters | jq .crashes) == 0 ]] || python_status=1
tap_failed=$python_status
exit "$python_status"
