#!/usr/bin/env bash
# A bad network and a bad server. Whatever goes wrong on the way, a mount shows no wrong byte, no success that was none
# and, as long as there is progress, no error; what it cannot do it says in time, and never as ENOENT.
# SEEDS=n: that many seeds (3).
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3

PATIENCE=(--connect-timeout 0.5 --first-byte-timeout 0.5 --low-speed-time 0.5 --metadata-ttl 0.2 --write-part-size 5M)
work() { python3 tests/system/random_work.py "$@"; }
faults() { server_control POST faults "$1" >/dev/null; }
request_count() { server_control GET counters | jq .requests; }

# random_work DIRECTORY_AND_BUCKET SEED: 0 if the mount, and then the bucket, hold exactly what was written. How many
# requests there were, and how many of them were retries, is in NAME.requests.
random_work() {
  local name=$1 seed=$2 model=$WORK/$1.model status=0
  work run "$WORK/$name" "$model" --seed "$seed" --workers 5 --operations 50 || status=1
  counters "$WORK/$name" '"\(.total.count) \(.total.retries)"' >"$WORK/$name.requests"
  faults '[]'
  work check "$WORK/$name" "$model" || status=1
  umount_coffer "$WORK/$name" || status=1
  # An upload whose beginning was not answered has an id that only the server knows.
  work stored "$SERVER_URL" "$name" "$model" | grep -v 'unfinished upload' || status=1
  return $status
}
# all_seeds RULES_FILE: a mount and a server for each seed, at the same time
all_seeds() {
  local rules=$1 seed name jobs=()
  for ((seed = 1; seed <= ${SEEDS:-3}; ++seed)); do
    name=$(basename "$rules" .json)-$seed
    name=${name//_/-}
    (
      trap - EXIT
      start_server --bucket "$name"
      mount_coffer "$name" "$WORK/$name" "${PATIENCE[@]}" || exit 1
      faults "$(jq --argjson seed "$seed" '.seed = $seed' "$rules")"
      random_work "$name" "$seed"
    ) >"$WORK/$name.out" 2>&1 &
    jobs+=("$!:$name")
  done
  for name in "${jobs[@]}"; do
    wait "${name%%:*}"
    is "$?:$(grep -cE '^(WRONG|ERROR)' "$WORK/${name#*:}.out")" 0:0 "${name#*:}: no wrong byte, no false success, no error" ||
      diag "$(<"$WORK/${name#*:}.out")"
    like "$(<"$WORK/${name#*:}.out")" '^250 operations' "${name#*:}: all operations were done"
  done
}

note "one request in ten goes wrong"
all_seeds tests/server/faults/ten_percent.json
read -r requests retries < <(awk '{ requests += $1; retries += $2 } END { print requests, retries }' "$WORK"/ten-percent-*.requests)
note "$requests requests, $retries of them retries"
ok "faults: there were many" test "$retries" -gt $((requests / 20))
ok "faults: at most a quarter more requests for them" test $((requests * 4)) -le $(((requests - retries) * 5))

note "replies that are lost"
all_seeds tests/server/faults/lost_replies.json

note "a success with an error inside"
start_server --bucket demo --versioned
M=$WORK/m
mount_coffer demo "$M" "${PATIENCE[@]}" --deadline 1 || bail "no mount"
# each request of this kind says so once; it is repeated
once() { faults "[{\"match\": {\"operation\": \"$1\", \"times\": 1}, \"do\": {\"error_in_200\": \"InternalError\"}}]"; }
always() { faults "[{\"match\": {\"operation\": \"$1\"}, \"do\": {\"error_in_200\": \"$2\"}}]"; }
fired() { server_control GET counters | jq -r '.fault_rules[0].fired'; }
head -c 6000000 /dev/urandom >"$WORK/large"
once CompleteMultipartUpload
ok "CompleteMultipartUpload: tried again" cp "$WORK/large" "$M/large"
is "$(fired)" 1 "CompleteMultipartUpload: it did happen"
ok "CompleteMultipartUpload: and whole" cmp "$WORK/large" "$M/large"
always CompleteMultipartUpload AccessDenied
nok "CompleteMultipartUpload: a refusal is no success" cp "$WORK/large" "$M/large2"
faults '[]'
nok "CompleteMultipartUpload: and no file" test -e "$M/large2"
once CopyObject
ok "CopyObject: tried again" mv "$M/large" "$M/moved"
is "$(fired)" 1 "CopyObject: it did happen"
ok "CopyObject: and whole" cmp "$WORK/large" "$M/moved"
always CopyObject AccessDenied
exits 1 "CopyObject: a refusal is no success" mv "$M/moved" "$M/moved2"
like "$OUTPUT" 'Permission denied' "CopyObject: it is EACCES"
faults '[]'
ok "CopyObject: the old name is there" cmp "$WORK/large" "$M/moved"
nok "CopyObject: the new one is not" test -e "$M/moved2"
mkdir "$M/tree"
for i in 1 2 3; do echo "$i" >"$M/tree/$i"; done
always DeleteObjects AccessDenied
isnt "$("$COFFER" rm -r -y "$M/tree" >"$WORK/rm.out" 2>&1; echo $?)" 0 "DeleteObjects: a refusal is no success"
faults '[]'
is "$(cat "$M/tree"/* | xargs)" "1 2 3" "DeleteObjects: all is there"
once DeleteObjects
ok "DeleteObjects: tried again" "$COFFER" rm -r -y "$M/tree"
is "$(keys_of demo tree/)" "" "DeleteObjects: all is gone"

note "somebody else's 404"
echo here >"$M/here"
for kind in foreign_404 bodiless_404; do
  faults "[{\"match\": {\"operation\": [\"HeadObject\", \"GetObject\", \"ListObjectsV2\"]}, \"do\": {\"$kind\": true}}]"
  sleep 0.3 # what is known is believed for --metadata-ttl
  for name in here absent; do
    exits 1 "$kind: stat of a name that is $name fails" stat "$M/$name"
    unlike "$OUTPUT" 'No such file' "$kind: and not with ENOENT"
  done
  exits 1 "$kind: cat fails" cat "$M/here"
  unlike "$OUTPUT" 'No such file' "$kind: and not with ENOENT"
  nok "$kind: a listing fails" ls "$M/tree"
  faults '[]'
  is "$(cat "$M/here")" here "$kind: and then all is well"
done
exits 1 "what is absent is so again" stat "$M/absent"
like "$OUTPUT" 'No such file' "and now with ENOENT"

note "nothing answers"
mkdir "$M/old"
for i in 1 2 3 4; do echo "old $i" >"$M/old/$i"; done
cat "$M/old"/* >/dev/null
sleep 0.3
faults "$(<tests/server/faults/outage.json)"
before=$(request_count)
began=$EPOCHREALTIME
cat >"$WORK/outage.py" <<'PYTHON'
import errno, os, sys, time
top = sys.argv[1]
def store(name, flags):
    fd = os.open(name, os.O_WRONLY | flags)
    try:
        os.write(fd, b"new")
    finally:
        os.close(fd)
calls = {
    "stat": lambda: os.stat(f"{top}/unknown"), "list": lambda: os.listdir(f"{top}/old"),
    "create": lambda: store(f"{top}/created", os.O_CREAT), "overwrite": lambda: store(f"{top}/old/1", os.O_TRUNC),
    "append": lambda: store(f"{top}/old/2", os.O_APPEND), "unlink": lambda: os.unlink(f"{top}/old/3"),
    "rename": lambda: os.rename(f"{top}/old/4", f"{top}/renamed"), "mkdir": lambda: os.mkdir(f"{top}/made")}
for name, call in calls.items():
    begin = time.monotonic()
    try:
        call()
        print(f"{name}: SUCCESS")
    except OSError as error:
        took = time.monotonic() - begin
        word = "in time" if 0.9 < took < 4 else "at the wrong time"
        print(f"{name}: {errno.errorcode[error.errno]} {word} ({took:.1f} s)")
PYTHON
outage=$(timeout 120 python3 "$WORK/outage.py" "$M")
note "$outage"
for call in stat list create overwrite append unlink rename mkdir; do
  like "$outage" "$call: (EIO|ETIMEDOUT) in time" "an outage: $call says EIO or ETIMEDOUT after the deadline"
done
requests=$(($(request_count) - before))
seconds=$(printf '%.0f' "$(bc <<<"$EPOCHREALTIME - $began")")
ok "an outage: at most ten requests a second ($requests in $seconds s)" test "$requests" -le $((10 * (seconds + 1)))
exits 1 "an outage: status says so" "$COFFER" status "$M"
faults '[]'
is "$(cat "$M/old"/[1-4] | xargs)" "old 1 old 2 old 3 old 4" "and after it the first call works, and nothing was lost"
nok "and what failed is not there" test -e "$M/created"
ok "and changes are possible" cp "$WORK/outage.py" "$M/after"
ok "and stored" cmp "$WORK/outage.py" "$M/after"
chmod 600 "$M/after"
faults "$(<tests/server/faults/outage.json)"
exits 1 "umount in an outage ends, and says what is not stored" timeout 60 "$COFFER" umount "$M"
like "$OUTPUT" 'not everything could be stored' "in words"
nok "and nothing is mounted" grep -q " $M " /proc/mounts
faults '[]'

done_testing
