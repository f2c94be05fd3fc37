#!/usr/bin/env bash
# Lock rules of a mount: which files are locked, in which request, at what cost, and what is refused where a lock could
# not be kept. The server is taken for AWS, of which conditional writes are known: its host names lead to the stand-in
# by an /etc/hosts that only this test sees.
if [[ ${COFFER_TEST_HOSTS:-} != private ]]; then
  private=(unshare --mount)
  ((EUID == 0)) || private+=(--map-root-user)
  "${private[@]}" true 2>/dev/null && COFFER_TEST_HOSTS=private exec "${private[@]}" "$0" "$@"
fi
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3 lsattr chattr getfattr setfattr rsync unshare
[[ ${COFFER_TEST_HOSTS:-} == private ]] || skip_all "no mount namespace of its own can be had here"

REGION=us-west-2
S3=s3.$REGION.amazonaws.com
POINT=s3-accesspoint.$REGION.amazonaws.com
echo "127.0.0.1 $S3 b.$S3 plain.$S3 default.$S3 ap-123456789012.$POINT apl-123456789012.$POINT localhost" >"$WORK/hosts"
mount --bind "$WORK/hosts" /etc/hosts || bail "no /etc/hosts of its own"
start_server --region $REGION --lock-enabled --bucket b --access-point apl=b \
  --user BLIND:secret:deny=GetObjectRetention,GetObjectLegalHold --user UNABLE:secret:deny=PutObjectRetention
server_control POST buckets "{\"name\": \"plain\", \"region\": \"$REGION\"}" >/dev/null
server_control POST access-points '{"name": "ap", "bucket": "plain"}' >/dev/null
server_control POST buckets "{\"name\": \"default\", \"region\": \"$REGION\", \"lock_enabled\": true,
  \"default_retention\": {\"mode\": \"GOVERNANCE\", \"days\": 10}}" >/dev/null
unset AWS_ENDPOINT_URL
export AWS_REGION=$REGION
# what went over the wire is kept until the end
server_forget() {
  server_requests '.[].lock | select(. != {}) | keys[]' >>"$WORK/traffic"
  server_control POST requests/clear >/dev/null
}
M=$WORK/m
# a mount under which nothing is asked twice, so that requests can be counted
mount_at() { # SOURCE OPTION...
  mount_coffer "$1" "$M" --endpoint-url "http://$S3:$SERVER_PORT" --rescue-dir "$WORK/rescue" --metadata-ttl 600 \
    "${@:2}" || bail "no mount"
}
unmount() { umount_coffer "$M" >/dev/null || bail "no umount"; }
as() { AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=secret "${@:2}"; }
# refuses DESCRIPTION EXIT PATTERN SOURCE OPTION...: a mount that is refused, in these words
refuses() {
  local description=$1 code=$2 pattern=$3
  mkdir -p "$M"
  exits "$code" "$description" "$COFFER" mount "$4" "$M" --endpoint-url "http://$S3:$SERVER_PORT" "${@:5}"
  like "$OUTPUT" "$pattern" "$description: says why"
}
lock_of() { server_control POST "buckets/${2:-b}/get" "{\"key\": \"$1\"}" | jq -c '.lock // "none"'; }
mode_of() { lock_of "$@" | jq -r 'if type == "object" then .mode else "none" end'; }
versions_of() { server_control POST buckets/b/get "{\"key\": \"$1\"}" | jq .versions; }
# days_of KEY: how long from now, in days
days_of() { lock_of "$@" | jq -r '((.until - now) / 8640 | round) / 10'; }
# locks_sent: OPERATION of every request that carried a lock
locks_sent() { server_requests '[.[] | select(.lock != {}) | .operation] | join(" ")'; }
write() { printf '%s' "$1" >"$2"; }
refused() { # DESCRIPTION COMMAND...
  local description=$1 output
  shift
  output=$("$@" 2>&1) && { fail "$description"; diag "succeeded: $*"; return 1; }
  like "$output" 'Operation not permitted' "$description"
}
RULES=(--lock-rule 'free/**=none' --lock-rule '**/*.iso=governance:2d' --lock-rule 'data/**=governance:30d')

note "in the request that makes the file"
mount_at s3://b "${RULES[@]}"
mkdir "$M/data" "$M/free" "$M/other"
ls "$M/data" "$M/free" "$M/other" >/dev/null
costs "a file with a rule: one look back" "1 HeadObject, 1 PutObject" write x "$M/data/f"
is "$(locks_sent)" "PutObject" "the lock rode on the PUT"
is "$(mode_of data/f) $(days_of data/f)" "GOVERNANCE 30" "it is the rule's"
costs "a file without a rule" "1 PutObject" write x "$M/other/f"
costs "a file that a rule exempts" "1 PutObject" write x "$M/free/x.iso"
is "$(mode_of other/f) $(mode_of free/x.iso)" "none none" "they are not locked"
write x "$M/data/x.iso"
is "$(days_of data/x.iso)" 2 "the first rule that matches decides"
is "$(lsattr "$M/data/f" | cut -c5) $(stat -c %a "$M/data/f")" "i 444" "shown as locked at once"
refused "and refused from the next open on" bash -c "echo more >>'$M/data/f'"
refused "and not removed" rm -f "$M/data/f"
costs "mkdir below a rule: directories are not locked" "1 PutObject" mkdir "$M/data/sub"
is "$(mode_of data/sub/)" none "nor is their marker"
unmount

server_forget
unlike "$(<"$WORK/traffic")" bypass "in all of that no request went past governance"
done_testing
