#!/usr/bin/env bash
# Files under Object Lock on a real mount: shown as lsattr and ls show an immutable file, refused call by call as ext4
# refuses under chattr +i (every difference is a row of coffer-semantics(7)), set by chattr and setfattr, and what that
# costs. The server is taken for AWS, of which conditional writes are known: its host names lead to the stand-in by an
# /etc/hosts that only this test sees.
. "${0%/*}/../lib/private-hosts.sh"
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3 lsattr chattr getfattr setfattr rsync unshare

REGION=us-west-2
S3=s3.$REGION.amazonaws.com
POINT=s3-accesspoint.$REGION.amazonaws.com
names_lead_here "$S3" "b.$S3" "plain.$S3" "default.$S3" "ap-123456789012.$POINT"
start_server --region $REGION --lock-enabled --bucket b --access-point ap=b \
  --user BLIND:secret:deny=GetObjectRetention,GetObjectLegalHold --user UNABLE:secret:deny=PutObjectRetention,PutObjectLegalHold
server_control POST buckets "{\"name\": \"plain\", \"region\": \"$REGION\"}" >/dev/null
server_control POST buckets "{\"name\": \"default\", \"region\": \"$REGION\", \"lock_enabled\": true,
  \"default_retention\": {\"mode\": \"GOVERNANCE\", \"days\": 1}}" >/dev/null
unset AWS_ENDPOINT_URL
export AWS_REGION=$REGION
# what went over the wire is kept until the end
server_forget() {
  server_requests '.[].lock | select(. != {}) | keys[]' >>"$WORK/traffic"
  server_control POST requests/clear >/dev/null
}
M=$WORK/m
mount_at() { # SOURCE OPTION...
  mount_coffer "$1" "$M" --endpoint-url "http://$S3:$SERVER_PORT" --rescue-dir "$WORK/rescue" "${@:2}" || bail "no mount"
}
mount_b() { mount_at s3://b "$@"; }
unmount() { umount_coffer "$M" >/dev/null || bail "no umount"; }
remount() { unmount; mount_b "$@"; }
put_object() { server_control POST "buckets/${2:-b}/put" "{\"key\": \"$1\", \"body\": \"content of $1\", \"age_s\": 60}" >/dev/null; }
# lock_object KEY JSON: another client's doing
lock_object() { server_control POST buckets/b/lock "$(jq -c --arg key "$1" '. + {key: $key}' <<<"$2")" >/dev/null; }
lock_of() { server_control POST buckets/b/get "{\"key\": \"$1\"}" | jq -c '.lock // "none"'; }
versions_of() { server_control POST buckets/b/get "{\"key\": \"$1\"}" | jq .versions; }
xattr_of() { getfattr --only-values -n "user.coffer.lock.$1" "$2" 2>/dev/null; }
flags() { lsattr -d "$1" | cut -d' ' -f1 | tr -d -; }
mode_of() { stat -c %a "$1"; }
# refused DESCRIPTION COMMAND...: EPERM, in the words of the C library
refused() {
  local description=$1 output
  shift
  output=$("$@" 2>&1) && { fail "$description"; diag "succeeded: $*"; return 1; }
  like "$output" 'Operation not permitted' "$description"
}
write() { printf '%s' "$1" >"$2"; }
HELD='{"hold": true}'
GOVERNED='{"mode": "GOVERNANCE", "for_s": 3600}'
COMPLIED='{"mode": "COMPLIANCE", "for_s": 3600}'

note "showing"
for name in governed complied held free; do put_object "show/$name"; done
lock_object show/governed "$GOVERNED"
lock_object show/complied "$COMPLIED"
lock_object show/held "$HELD"
server_forget
mount_b
at_most "$(server_requests length)" 6 "mount of a bucket with Object Lock"
note "$(requests_made)"
is "$(cd "$M/show" && stat -c '%n %a' -- *)" $'complied 444\nfree 644\ngoverned 444\nheld 444' "modes without write bits"
is "$(cd "$M/show" && for f in *; do echo "$f $(flags "$f")"; done)" $'complied i\nfree \ngoverned i\nheld i' "lsattr says i"
is "$(xattr_of mode "$M/show/complied") $(xattr_of mode "$M/show/governed")" "COMPLIANCE GOVERNANCE" "xattrs: mode"
like "$(xattr_of retain-until "$M/show/governed")" '^20[0-9-]+T[0-9:]+Z$' "xattrs: until"
is "$(xattr_of legal-hold "$M/show/held") $(xattr_of mode "$M/show/held")" "ON " "xattrs: legal hold"
is "$(xattr_of mode "$M/show/free")" "" "xattrs: none on what is free"
unlike "$(getfattr -d "$M/show/held" 2>&1)" coffer "and none of them is listed, or copied by cp -a"
remount --locked-mode=keep
is "$(mode_of "$M/show/held") $(flags "$M/show/held")" "644 i" "--locked-mode=keep shows the stored bits, and i"
refused "and refuses as ever" rm -f "$M/show/held"

note "what it costs"
LONG=(--metadata-ttl 600)
remount "${LONG[@]}"
for name in a b c over; do put_object "cost/$name"; done
stat "$M/cost" >/dev/null
costs "ls -l, first" "4 HeadObject, 1 ListObjectsV2" ls -l "$M/cost"
remount "${LONG[@]}"
stat "$M/cost" >/dev/null
costs "ls -l of a directory, again after a remount" "1 ListObjectsV2" ls -l "$M/cost"
costs "create, write, close" "1 PutObject" write new "$M/cost/new"
costs "overwrite" "1 HeadObject, 1 PutObject" write again "$M/cost/over"
costs "unlink" "1 DeleteObject, 1 HeadObject" rm "$M/cost/a"
costs "rename" "1 CopyObject, 1 DeleteObject, 1 HeadObject" mv "$M/cost/b" "$M/cost/d"
costs "rename onto a file" "1 CopyObject, 1 DeleteObject, 2 HeadObject" mv "$M/cost/c" "$M/cost/d"
ls -l "$M/show" >/dev/null
costs "ls -l and lsattr of locked files, listed: besides reading them" "3 GetObject" \
  sh -c "ls -l '$M/show' && lsattr '$M/show/held' '$M/show/governed' '$M/show/complied'"
unmount
for name in a b over; do put_object "cost/$name" plain; done
mount_at s3://plain "${LONG[@]}"
ls -l "$M/cost" >/dev/null
costs "without Object Lock: overwrite" "1 PutObject" write again "$M/cost/over"
costs "without Object Lock: unlink" "1 DeleteObject" rm "$M/cost/a"
costs "without Object Lock: rename" "1 CopyObject, 1 DeleteObject" mv "$M/cost/b" "$M/cost/c"
nok "without Object Lock: chattr" chattr +i "$M/cost/c"
is "$(flags "$M/cost/c")" "" "without Object Lock: lsattr"
unmount

note "directories"
mount_b
for name in f g sub/h; do put_object "tree/$name"; done
lock_object tree/sub/h "$HELD"
server_forget
refused "rename of a directory with a locked file deep in it" mv -T "$M/tree" "$M/tree2"
is "$(server_requests 'map(select(.method != "GET" and .method != "HEAD")) | length')" 0 "and nothing was touched"
is "$(rm -rf "$M/tree" 2>&1 | sed "s|$M/||")" "rm: cannot remove 'tree/sub/h': Operation not permitted" "rm -rf tells of one file"
is "$(keys_of b tree/)" tree/sub/h "and takes the others"
lock_object tree/sub/h '{"hold": false}'
ok "and goes when nothing is locked" mv -T "$M/tree" "$M/tree2"
is "$(keys_of b tree)" tree2/sub/h "to where it was moved"

for name in f g h; do put_object "gone/$name"; done
lock_object gone/g "$GOVERNED"
exits 3 "coffer rm -r leaves what is locked" "$COFFER" rm -r -y "$M/gone"
like "$OUTPUT" 'gone/g: the file is locked: GOVERNANCE until' "and says so"
is "$(keys_of b gone/)" gone/g "and takes the others"

note "chattr and setfattr"
echo mine >"$M/mine"
ok "chattr +i" chattr +i "$M/mine"
is "$(lock_of mine | jq .hold) $(flags "$M/mine") $(mode_of "$M/mine")" "true i 444" "is a legal hold, and shows at once"
refused "and protects" rm -f "$M/mine"
ok "chattr +i again" chattr +i "$M/mine"
nok "chattr +a" chattr +a "$M/show/free"
ok "chattr -i" chattr -i "$M/mine"
is "$(lock_of mine | jq .hold) $(flags "$M/mine") $(mode_of "$M/mine")" "false  644" "takes it off"
UNTIL=$(date -u -d '+2 hours' +%FT%TZ)
LATER=$(date -u -d '+3 hours' +%FT%TZ)
ok "setfattr retain-until" setfattr -n user.coffer.lock.retain-until -v "$UNTIL" "$M/mine"
is "$(xattr_of mode "$M/mine") $(xattr_of retain-until "$M/mine") $(flags "$M/mine")" "GOVERNANCE $UNTIL i" "sets governance"
ok "extend" setfattr -n user.coffer.lock.retain-until -v "$LATER" "$M/mine"
refused "shorten" setfattr -n user.coffer.lock.retain-until -v "$UNTIL" "$M/mine"
refused "another mode without --allow-compliance" setfattr -n user.coffer.lock.mode -v COMPLIANCE "$M/mine"
refused "removing it" setfattr -x user.coffer.lock.mode "$M/mine"
refused "chattr -i while retention runs" chattr -i "$M/mine"
like "$(setfattr -n user.coffer.lock.mode -v GOVERNANCE "$M/show/free" 2>&1)" 'Invalid argument' "a mode without a date"
like "$(setfattr -n user.coffer.lock.retain-until -v 2001-01-01T00:00:00Z "$M/show/free" 2>&1)" 'Invalid argument' "a date that is past"
is "$(lock_of show/free)" '"none"' "neither locked anything"
nok "extending compliance without --allow-compliance" setfattr -n user.coffer.lock.retain-until -v "$LATER" "$M/show/complied"
remount --allow-compliance
ok "extending compliance with it" setfattr -n user.coffer.lock.retain-until -v "$LATER" "$M/show/complied"
is "$(xattr_of mode "$M/show/complied") $(xattr_of retain-until "$M/show/complied")" "COMPLIANCE $LATER" "keeps the mode"

note "a lock that comes in between"
put_object race/closing
python3 - "$M/race/closing" "$SERVER_URL" >"$WORK/closing" 2>&1 <<'PYTHON'
import os, sys, urllib.request
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
os.write(fd, b"over it")
urllib.request.urlopen(urllib.request.Request(sys.argv[2] + "/-/buckets/b/lock", b'{"key": "race/closing", "hold": true}'))
try:
    os.close(fd)
except OSError as error:
    print(error.strerror)
PYTHON
is "$(<"$WORK/closing")" "Operation not permitted" "between open and close: the close says so"
is "$(stored b race/closing) $(versions_of race/closing)" "content of race/closing 1" "and nothing was put over it"
is "$(cat "$WORK"/rescue/*-closing)" "over it" "and what was written is rescued"
put_object race/deleting
cat "$M/race/deleting" >/dev/null
server_control POST faults '{"rules": [{"match": {"operation": "DeleteObject"}, "do": {"hold": "delete"}}]}' >/dev/null
rm -f "$M/race/deleting" &
REMOVER=$!
delete_is_under_way() { (($(requests_of DeleteObject) > 0)); }
within 20 delete_is_under_way || fail "the delete is on its way"
VERSION=$(server_control POST buckets/b/get '{"key": "race/deleting"}' | jq -r .version_id)
lock_object race/deleting "$COMPLIED"
server_control POST release '{"name": "delete"}' >/dev/null
wait $REMOVER
server_control POST faults '[]' >/dev/null
# shellcheck disable=SC2034  # tap.sh's s3 reads it
S3_URL=$SERVER_URL
is "$(s3 GET "/b/race/deleting?versionId=$VERSION")" "content of race/deleting" \
  "between look and delete: the version is there, byte for byte"

note "time"
put_object time/f
lock_object time/f "$GOVERNED"
sleep 1.2
refused "locked for an hour" rm -f "$M/time/f"
server_control POST clock '{"offset_s": 3700}' >/dev/null
ls "$M/time" >/dev/null
sleep 1.2
is "$(mode_of "$M/time/f") $(flags "$M/time/f")" "644 " "an hour later by the server's clock it looks free"
ok "and can be removed" rm "$M/time/f"
server_control POST clock '{"offset_s": 0}' >/dev/null

note "rsync -a over locked files"
mkdir "$WORK/source" && echo one >"$WORK/source/one" && echo two >"$WORK/source/two"
ok "rsync -a" rsync -a "$WORK/source/" "$M/copy/"
ok "locked" chattr +i "$M/copy/one" "$M/copy/two"
ok "rsync -a again ends with 0 when nothing changed" rsync -a "$WORK/source/" "$M/copy/"
sleep 1.2
echo changed >"$WORK/source/two"
exits 23 "and with 23 when something did" rsync -a "$WORK/source/" "$M/copy/"
is "$(cat "$M/copy/two")" two "which stays as it was"
chattr -i "$M/copy/one" "$M/copy/two"

note "who may not see, who may not set"
unmount
put_object unseen/f
as() { AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=secret "${@:2}"; }
server_forget
OUTPUT=$(as BLIND "$COFFER" mount s3://b "$M" --endpoint-url "http://$S3:$SERVER_PORT" 2>&1 </dev/null)
like "$OUTPUT" 'locks cannot be seen.*s3:GetObjectRetention.*counts as locked' "who may not see locks is told"
is "$(mode_of "$M/unseen/f") $(flags "$M/unseen/f")" "444 i" "everything counts as locked"
refused "and is refused" rm -f "$M/unseen/f"
unmount
as BLIND mount_b --lock-unknown=unlocked
is "$(mode_of "$M/unseen/f") $(flags "$M/unseen/f")" "644 " "--lock-unknown=unlocked: nothing does"
ok "and nothing is refused" rm "$M/unseen/f"
unmount
as UNABLE mount_b
like "$(chattr +i "$M/show/free" 2>&1)" 'Permission denied' "who may not set locks is told so, and not that it is locked"
unmount

note "through an access point, which does not say what the bucket is"
mount_coffer "s3://arn:aws:s3:$REGION:123456789012:accesspoint/ap" "$M" --endpoint-url "http://$POINT:$SERVER_PORT"
is "$(mode_of "$M/show/held") $(flags "$M/show/held")" "444 i" "a locked file shows"
refused "and is refused" rm -f "$M/show/held"
ok "chattr +i" chattr +i "$M/show/free"
ok "chattr -i" chattr -i "$M/show/free"
put_object point/path && put_object point/address
ok "coffer lock by path" "$COFFER" lock "$M/point/path" --for 1h
ok "coffer lock by address" "$COFFER" lock "s3://arn:aws:s3:$REGION:123456789012:accesspoint/ap/point/address" --for 1h \
  --endpoint-url "http://$POINT:$SERVER_PORT"
is "$(lock_of point/path | jq -r .mode) $(lock_of point/address | jq -r .mode)" "GOVERNANCE GOVERNANCE" "both are locked"
unmount

note "default retention"
OUTPUT=$("$COFFER" mount s3://default "$M" --endpoint-url "http://$S3:$SERVER_PORT" 2>&1 </dev/null)
like "$OUTPUT" 'locks every new file \(GOVERNANCE, 1 days\)' "a bucket that locks everything says so at mount"
ok "several commits by one writer" bash -c "exec 3>'$M/log' && echo one >&3 && sync '$M/log' && echo two >&3 && exec 3>&-"
is "$(cat "$M/log") $(flags "$M/log")" $'one\ntwo i' "are its own to make"
refused "the next open is refused" bash -c "echo three >>'$M/log'"
unmount

note "a sealed volume"
head -c 32 /dev/urandom >"$WORK/key" && chmod 600 "$WORK/key"
"$COFFER" init s3://b/vault --endpoint-url "http://$S3:$SERVER_PORT" --key-file "$WORK/key" >/dev/null 2>&1 || fail "init"
mount_at s3://b/vault --key-file "$WORK/key" --sealed=yes
echo secret >"$M/f"
mkdir "$M/d" && cp "$M/f" "$M/d/f"
ok "chattr +i of a sealed file" chattr +i "$M/d/f"
is "$(flags "$M/d/f") $(mode_of "$M/d/f") $(cat "$M/d/f")" "i 444 secret" "shows, and is read"
refused "cannot be removed" rm -f "$M/d/f"
refused "nor moved with its directory" mv -T "$M/d" "$M/e"
refused "nor written" bash -c "echo x >>'$M/d/f'"
chattr -i "$M/d/f"
ok "free again, it moves" mv "$M/d" "$M/e"
unmount

note "call by call, as ext4 does under chattr +i"
ROWS=$WORK/rows
# The rows of the table of differences: mount, user, call, ext4, here
sed -n '/^\.\\" differences begin/,/^\.\\" differences end/p' man/coffer-semantics.7 |
  grep -P '^(keep|strip|both)\t' | cut -f1-5 >"$ROWS"
at_least "$(wc -l <"$ROWS")" 5 "coffer-semantics(7) has a table of differences"
EXT4=$WORK/ext4
truncate -s 16M "$WORK/ext4.image" && mkdir "$EXT4"
if ((EUID == 0)) && command -v mkfs.ext4 >/dev/null && mkfs.ext4 -q "$WORK/ext4.image" &&
  mount -o loop "$WORK/ext4.image" "$EXT4" 2>/dev/null; then
  : >"$WORK/seen"
  # on_ext4 USER UID
  on_ext4() {
    mkdir "$EXT4/$1"
    # shellcheck disable=SC2016  # for another shell
    ok "the calls on ext4 as $1" bash -c "tests/system/locked_calls.py '$EXT4/$1' $2 'chattr +i \"\$1\"' >'$WORK/ext4-$1'"
  }
  # compare MODE USER UID KIND LOCK_COMMAND
  compare() {
    local mode=$1 who=$2 uid=$3 command=$5 name=$1-$2-$4 call theirs ours unknown=
    mkdir "$M/$name"
    tests/system/locked_calls.py "$M/$name" "$uid" "$command" >"$WORK/$name" 2>"$WORK/$name.err" ||
      { fail "the calls on the mount: $name"; diag "$(<"$WORK/$name.err")"; }
    while IFS=$'\t' read -r call theirs ours; do
      if grep -qxP "($mode|both)\t($who|both)\t\Q$call\E\t$theirs\t$ours" "$ROWS"; then
        printf '%s\t%s\t%s\t%s\t%s\n' "$mode" "$who" "$call" "$theirs" "$ours" >>"$WORK/seen"
      else
        unknown+="$call: $theirs on ext4, $ours here"$'\n'
      fi
    done < <(paste "$WORK/ext4-$who" "$WORK/$name" | awk -F'\t' '$2 != $4 || $1 != $3 { print $1 "\t" $2 "\t" $4 }')
    at_least "$(wc -l <"$WORK/$name")" 90 "$name: calls"
    is "$unknown" "" "$name: no difference that coffer-semantics(7) does not tell"
  }
  on_ext4 root 0
  on_ext4 user 1234
  for mode in keep strip; do
    mount_b --locked-mode=$mode --allow-other
    # shellcheck disable=SC2016  # for another shell
    for user in "root 0" "user 1234"; do
      read -r who uid <<<"$user"
      compare $mode "$who" "$uid" hold 'chattr +i "$1"'
      compare $mode "$who" "$uid" governance \
        'setfattr -n user.coffer.lock.retain-until -v "$(date -u -d "+1 hour" +%FT%TZ)" "$1"'
      compare $mode "$who" "$uid" compliance "curl -sS --fail-with-body --data-binary \"{\\\"key\\\": \\\"\${1#$M/}\\\",
        \\\"mode\\\": \\\"COMPLIANCE\\\", \\\"for_s\\\": 3600}\" $SERVER_URL/-/buckets/b/lock >/dev/null &&
        getfattr -n user.coffer.lock.mode \"\$1\" >/dev/null"
    done
    unmount
  done
  chattr -R -i "$EXT4" 2>/dev/null
  umount "$EXT4"
  while IFS=$'\t' read -r mode who call theirs ours; do
    [[ $mode == both ]] && mode='(keep|strip)'
    [[ $who == both ]] && who='(root|user)'
    grep -qxP "$mode\t$who\t\Q$call\E\t$theirs\t$ours" "$WORK/seen" ||
      fail "a row of coffer-semantics(7) that is not so: $mode, $who, $call, $theirs, $ours"
  done <"$ROWS"
else
  skip "side by side with ext4: no ext4 can be mounted here (it takes root, mkfs.ext4 and a loop device)"
fi

server_forget
unlike "$(<"$WORK/traffic")" bypass "in all of that no request went past governance"
done_testing
