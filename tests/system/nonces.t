#!/usr/bin/env bash
# Nothing is sealed twice under one nonce: over parts that are sent again, rewrites, appends, truncations, fsyncs in the
# middle, renames, changes of attributes, and kill -9. The server keeps every byte that ever reached it, of requests that
# failed too, and tests/system/nonces.py, which shares no code with Coffer, looks at all of them.
# KILLS (6), SEED.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3

KILLS=${KILLS:-6}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
note "SEED=$SEED"
RANDOM=$((SEED % 32768))
RECORD=$WORK/record
mkdir "$RECORD"
start_server --bucket demo --bandwidth 12000000 --record "$RECORD"
M=$WORK/m
head -c 32 /dev/urandom >"$WORK/key" && chmod 600 "$WORK/key"
exits 0 "init" "$COFFER" init s3://demo/vol --key-file "$WORK/key"
seals() {
  mount_coffer s3://demo/vol "$M" --key-file "$WORK/key" --sealed=yes --write-part-size 5M --metadata-ttl 0.2 \
    --connect-timeout 0.5 --first-byte-timeout 0.5 --low-speed-time 0.5
}
checked() { python3 tests/system/nonces.py "$@" >"$WORK/checked" 2>&1; }
count() { head -n 1 "$WORK/checked" | jq ".$1"; }
received() { # bytes of bodies so far, at least $1
  (($(cat "$RECORD"/*.body 2>/dev/null | wc -c) >= $1))
}
# a body of some size is being received
under_way() {
  [[ $(server_requests '[.[] | select(.status == 0 and .method == "PUT" and .bytes_in > 500000)] | length') != 0 ]]
}
# work NUMBER OPERATIONS...: three writers, each with a seed of its own; their exit codes are in $STATUSES
work() {
  local round=$1 w jobs=()
  shift
  for w in 1 2 3; do
    python3 tests/system/nonces_work.py "$M" $((SEED % 1000000 * 1000 + round * 10 + w)) "$@" >>"$WORK/work.out" 2>&1 &
    jobs+=($!)
  done
  STATUSES=""
  [[ -z ${1:-} ]] || for w in "${jobs[@]}"; do wait "$w"; STATUSES+=" $?"; done
  WRITERS=("${jobs[@]}")
}

note "every third body meets a fault"
ok "mount" seals
server_control POST faults '{"seed": 1, "rules": [
  {"match": {"operation": ["PutObject", "UploadPart"], "every": 3}, "one_of": [
    {"status": 500}, {"throttle": true}, {"reset": "before_headers"}, {"reset": "after_headers"}, {"drop_reply_after_apply": true},
    {"upload_reset_at": 0.01}, {"upload_reset_at": 0.3}, {"upload_reset_at": 0.7}, {"upload_reset_at": 0.99}]},
  {"match": {"operation": ["CreateMultipartUpload", "CompleteMultipartUpload", "CopyObject"], "probability": 0.2}, "one_of": [
    {"status": 500}, {"reset": "before_headers"}, {"drop_reply_after_apply": true}, {"error_in_200": "InternalError"}]}]}' >/dev/null
work 0 30
is "$STATUSES" " 0 0 0" "all of the work was done" || diag "$(<"$WORK/work.out")"
ok "unmount" umount_coffer "$M"
server_control POST faults '[]' >/dev/null
ok "no frame has two contents" checked "$RECORD" || diag "$(<"$WORK/checked")"
note "$(head -n 1 "$WORK/checked")"
again=$(count again)
at_least "$again" 20 "frames were sent again"
at_least "$(count uploads)" 3 "and files were streamed"
at_least "$(count xattrs)" 1 "and had extended attributes"

note "kill -9"
met=0
for ((round = 1; round <= KILLS; ++round)); do
  ok "kill $round: mount" seals || bail "no mount"
  pid=$(daemon_pid "$M") || bail "no daemon"
  before=$(cat "$RECORD"/*.body | wc -c)
  work "$round"
  within 20 received $((before + 500000 + RANDOM * 100)) || fail "kill $round: the writers get on"
  within 10 under_way && ((++met))
  kill -KILL "$pid"
  wait "${WRITERS[@]}"
  fusermount3 -uz "$M" 2>/dev/null
done
at_least "$met" $(((KILLS + 1) / 2)) "kills met bodies on their way"
ok "the volume still mounts" seals
work $((KILLS + 1)) 10
is "$STATUSES" " 0 0 0" "and work goes on"
ok "unmount" umount_coffer "$M"
ok "no frame has two contents" checked "$RECORD" || diag "$(<"$WORK/checked")"
note "$(head -n 1 "$WORK/checked")"
at_least "$(count messages)" $((KILLS * 5)) "messages were seen"
is "$(server_control GET counters | jq .crashes)" 0 "the server has not crashed"

note "a checker that sees nothing would prove nothing"
# a whole message, no part of one
whole() { find "$RECORD" -name '*.body' -size +2k | while read -r body; do grep -q uploadId "${body%.body}.json" || echo "$body"; done; }
victim=$(whole | sort | head -n 1)
# forge DESCRIPTION EXPECTED COMMAND...: one body more, which the command makes of the victim's
forge() {
  local description=$1 expected=$2
  shift 2
  cp "${victim%.body}.json" "$RECORD/999999.json"
  "$@" <"$victim" >"$RECORD/999999.body"
  nok "$description: found" checked "$RECORD"
  like "$(<"$WORK/checked")" "$expected" "$description: named"
}
flip() { python3 -c 'import sys; b = bytearray(sys.stdin.buffer.read()); b[int(sys.argv[1])] ^= 1; sys.stdout.buffer.write(b)' "$1"; }
forge "another content of a frame" '999999.*frame 1 differs' flip 1100
forge "another header" '999999.*frame 0 differs' flip 1023
forge "another frame length at the end" '999999.*' flip 1044
cp "$victim" "$RECORD/999999.body"
jq '.path += "x"' "${victim%.body}.json" >"$RECORD/999999.json"
nok "one message as two objects: found" checked "$RECORD"
cp "${victim%.body}.json" "$RECORD/999999.json"
ok "the same bytes once more are none" checked "$RECORD"
done_testing
