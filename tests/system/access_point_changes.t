#!/usr/bin/env bash
# An access point that changes under a mount: its policy is tightened in mid-work, it goes, the bucket goes. Each has its
# errno and one line in the log; what was stored stays, what could not be is rescued, and all goes on without a remount.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq openssl python3

REGION=us-east-1
ACCOUNT=123456789012
ANN=arn:aws:iam::$ACCOUNT:user/ann
POINT=arn:aws:s3:$REGION:$ACCOUNT:accesspoint/team
make_certificate "*.s3-accesspoint.$REGION.amazonaws.com" "*.s3-control.$REGION.amazonaws.com" "*.s3.$REGION.amazonaws.com" \
  "sts.$REGION.amazonaws.com" >/dev/null || bail "no certificate"
start_server --tls "$WORK/tls/server.crt" "$WORK/tls/server.key" --bucket shared
server_control POST tls '{"version": "1.3"}' >/dev/null
server_control POST users '{"access_key": "ANN", "secret": "secret", "allow": []}' >/dev/null
unset AWS_ENDPOINT_URL
export AWS_ENDPOINT_URL_STS=https://sts.$REGION.amazonaws.com
export COFFER_CONNECT_TO=":443:127.0.0.1:$SERVER_PORT" COFFER_CA_BUNDLE=$WORK/tls/ca.pem
point() { "$COFFER" access-point "$@" --yes >/dev/null 2>&1; }
make_point() { point create team --bucket shared && point grant team --principal "$ANN" --allow "$1" --prefix d; }
"$COFFER" policy add s3://shared delegate --yes >/dev/null || bail "no delegation"
make_point read,write,list,delete || bail "no access point"
M=$WORK/m RESCUED=$WORK/rescued
mkdir "$RESCUED"
AWS_ACCESS_KEY_ID=ANN AWS_SECRET_ACCESS_KEY=secret mount_coffer "s3://$POINT/d" "$M" --rescue-dir "$RESCUED" --deadline 2 \
  --metadata-ttl 0 || bail "no mount"
lines() { cat "$WORK"/log/m/*.log | grep -cE "$1"; }
# refused ERROR DESCRIPTION COMMAND...
refused() {
  local error=$1 description=$2 output
  shift 2
  output=$(LC_ALL=C "$@" 2>&1) && { fail "$description"; return 1; }
  like "$output" "$error" "$description"
}
# begin NAME BYTE: a writer that has written 64 kB; finish: it closes, and says how that went
begin() {
  mkfifo "$WORK/go"
  python3 - "$M/$1" "$2" "$WORK/go" >"$WORK/went" 2>&1 <<'PY' &
import os, sys
name, byte, go = sys.argv[1:]
fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
os.write(fd, byte.encode() * 65536)
open(go).read()
try:
    os.close(fd)
    print("stored")
except OSError as error:
    print(os.strerror(error.errno))
PY
  WRITER=$!
  within 10 test -e "$M/$1"
}
finish() { # ERROR DESCRIPTION
  echo >"$WORK/go"
  wait "$WRITER"
  rm "$WORK/go"
  is "$(cat "$WORK/went")" "$1" "$2"
}
# a shell does not say how a redirection was closed
write() { dd of="$M/$1" status=none <<<"$2"; }

echo kept >"$M/kept"
echo old >"$M/old"

note "the policy is tightened while a file is written"
begin new n
ok "revoke" point revoke team --principal "$ANN" --allow write,delete --prefix d
finish "Permission denied" "what was not stored yet is told at close"
is "$(tr -d n <"$(ls "$RESCUED"/*-new)" | wc -c) $(stat -c %s "$RESCUED"/*-new)" "0 65536" "its bytes are rescued"
refused 'Permission denied' "a new file" write other x
refused 'Permission denied' "another content" write old x
refused 'Permission denied' "removing" rm -f "$M/old"
is "$(cat "$M/kept") $(cat "$M/old")" "kept old" "what was stored is read as before"
is "$(lines '"d/new" was not written: .*s3:PutObject.*the bytes were saved in')" 1 "the log says so once, with the right that is missing"
ok "grant" point grant team --principal "$ANN" --allow write,delete --prefix d
ok "and it goes on, without a remount" write new again
is "$(stored shared d/new)" again "what is written is stored"

note "reading is taken away"
ok "revoke" point revoke team --principal "$ANN" --allow read --prefix d
refused 'Permission denied' "reading" dd if="$M/kept" of=/dev/null iflag=direct
ok "grant" point grant team --principal "$ANN" --allow read --prefix d
is "$(cat "$M/kept")" kept "and it goes on"

note "the access point goes"
begin late l
ok "delete" point delete team
finish "Input/output error" "what was not stored yet is told at close"
is "$(tr -d l <"$(ls "$RESCUED"/*-late)" | wc -c) $(stat -c %s "$RESCUED"/*-late)" "0 65536" "its bytes are rescued"
refused 'Input/output error' "a file that is there does not seem to be gone" cat "$M/kept"
refused 'Input/output error' "nor does the directory" ls "$M"
refused 'Input/output error' "nothing new" write other x
at_least "$(lines 'InvalidAccessPoint.*there is no such access point')" 1 "the log says what is gone"
ok "made again" make_point read,write,list,delete
is "$(cat "$M/kept")" kept "it goes on, without a remount"
ok "writes" write late more

note "the bucket goes"
for key in $(keys_of shared); do s3 DELETE "/shared/$key"; done
s3 DELETE /shared >/dev/null || bail "the bucket stays"
refused 'Input/output error' "nothing is stored" write other x
refused 'Input/output error' "nothing is listed" ls "$M"
s3 PUT /shared >/dev/null || bail "no bucket"
"$COFFER" policy add s3://shared delegate --yes >/dev/null || bail "no delegation"
ok "it is there again, and so is the mount" write back back
is "$(stored shared d/back)" back "what is written is stored"
umount_coffer "$M" >"$WORK/umount"

note "a change of the policy names who is mounted here"
M=$M-2
ok "mounted through it" mount_coffer "s3://$POINT/d" "$M"
exits 0 "a change of its policy" "$COFFER" access-point policy team --set /dev/null --dry-run
like "$OUTPUT" "on this machine .*$M is mounted through it" "says so"
demands() { "$COFFER" policy add s3://shared encryption --sse AES256 --dry-run; }
exits 0 "a change of the bucket's policy" demands
like "$OUTPUT" "the mount at $M \(s3://$POINT/d\) is then denied s3:PutObject, unless" "says what it does to a mount through an access point"
umount_coffer "$M" >"$WORK/umount"
ALIAS=$("$COFFER" access-point show team --json | jq -r .alias)
ok "mounted by its alias" mount_coffer "s3://$ALIAS/d" "$M"
exits 0 "a change of its policy" "$COFFER" access-point policy team --set /dev/null --dry-run
like "$OUTPUT" "on this machine .*$M is mounted through it" "says so"
exits 0 "a change of the bucket's policy" demands
like "$OUTPUT" "the mount at $M \(s3://$ALIAS/d\) is then denied s3:PutObject, unless" "says so, too"
server_control POST faults '[{"match": {"operation": "ListAccessPoints"}, "do": {"status": 403, "code": "AccessDenied"}}]' >/dev/null
exits 0 "where nobody tells which access points are the bucket's" demands
like "$OUTPUT" 'if it leads to this bucket \(which cannot be seen: .*s3:ListAccessPoints.*\), is then denied' "that is said"
server_control POST faults '[]' >/dev/null
umount_coffer "$M" >"$WORK/umount"
ok "mounted by the bucket's name" mount_coffer s3://shared/d "$M"
exits 0 "closing the bucket" "$COFFER" policy add s3://shared only-access-points --lock-me-out --dry-run
like "$OUTPUT" "the mount at $M \(s3://shared/d\) is then denied s3:GetObject, s3:ListBucket, s3:PutObject, s3:DeleteObject" \
  "says what it does to that mount"
umount_coffer "$M" >"$WORK/umount"
is "$(server_control GET counters | jq .crashes)" 0 "the stand-in had no trouble"
done_testing
