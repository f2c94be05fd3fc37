#!/usr/bin/env bash
# What each operation may cost in requests, by the server's log and by `coffer status`, which must agree. Through an
# access point, on a server that is taken for AWS, of which conditional writes are known: its host name leads to the
# stand-in by an /etc/hosts that only this test sees. "Listed": the parent was listed, and the index has the row. The
# time to live of metadata is long where a point needs it, not to measure the machine.
. "${0%/*}/../lib/private-hosts.sh"
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq rsync unshare

REGION=us-west-2
POINT=s3-accesspoint.$REGION.amazonaws.com
names_lead_here "ap-123456789012.$POINT"
start_server --region $REGION --bucket b --access-point ap=b
unset AWS_ENDPOINT_URL
M=$WORK/m
ARN=arn:aws:s3:$REGION:123456789012:accesspoint/ap
mount_b() { # OPTION..., prefix in $PREFIX
  mount_coffer "s3://$ARN${PREFIX:+/$PREFIX}" "$M" --endpoint-url "http://$POINT:$SERVER_PORT" "$@"
}
remount() {
  umount_coffer "$M" >/dev/null || bail "no umount"
  mount_b "$@" || bail "no mount"
}
put_object() { server_control POST buckets/b/put "$1" >/dev/null; }
fill() { server_control POST buckets/b/fill "$1" >/dev/null; }
LONG=(--metadata-ttl 600)

# what coffer counted since $before (taken with `counted`), as requests_made says it
counted() { counters "$M" '.requests | map_values(.count)'; }
counted_since() {
  jq -nr --argjson before "$1" --argjson after "$(counted)" \
    '$after | to_entries | map(.value -= $before[.key] | select(.value > 0)) | sort_by(.key)
      | map("\(.value) \(.key)") | join(", ")'
}
cost() { # DESCRIPTION EXPECTED COMMAND...
  local description=$1 before
  before=$(counted)
  costs "$@" || return
  is "$(counted_since "$before")" "$(requests_made)" "$description: coffer counts the same"
}
# costs_at_most DESCRIPTION TOTAL COMMAND...
costs_at_most() {
  local description=$1 most=$2
  shift 2
  server_forget
  "$@" >/dev/null || fail "$description: succeeds"
  at_most "$(server_requests length)" "$most" "$description"
  note "$(requests_made)"
}
total() { server_requests "map(select(.operation == \"$1\").bytes_out) | add // 0"; }

put_object '{"key": "one/two/three/file", "body": "x"}'

note "mounting"
server_forget
mount_b || bail "no mount"
at_most "$(server_requests length)" 6 "mount"
note "$(requests_made)"
umount_coffer "$M" >/dev/null
server_forget
PREFIX=one/two/three mount_b
at_most "$(server_requests length)" 9 "mount of a prefix three deep"
note "$(requests_made)"
is "$(server_requests 'map(select(.method != "GET" and .method != "HEAD")) | length')" 0 "mount writes nothing"

note "looking"
put_object '{"key": "cold/", "body": ""}'
put_object '{"key": "cold/deep/file", "body": "x"}'
remount "${LONG[@]}"
costs_at_most "stat of a/b/c, cold" 7 stat "$M/cold/deep/file"
remount "${LONG[@]}"
costs_at_most "stat of a name, cold" 2 stat "$M/one"
costs_at_most "stat of a name that is not there, cold" 2 sh -c "! stat '$M/nothing' 2>/dev/null"

fill '{"prefix": "many/", "count": 1200, "size": 10, "age_s": 60}'
PREFIX=many remount "${LONG[@]}"
cost "ls of 1,200, first" "2 ListObjectsV2" ls "$M"
cost "ls -l of 1,200 after that, first" "1200 HeadObject" ls -l "$M"
PREFIX=many remount
cost "ls -l of 1,200, after a remount" "2 ListObjectsV2" ls -l "$M"
sleep 1.1
cost "ls -l of 1,200, again" "2 ListObjectsV2" ls -l "$M"
sleep 1.1
cost "find of 1,200, again" "2 ListObjectsV2" find "$M" -size -100
umount_coffer "$M" >/dev/null
rm -rf "$XDG_CACHE_HOME"
PREFIX=many mount_b "${LONG[@]}"
cost "find of 1,200, first, with an empty index" "1200 HeadObject, 2 ListObjectsV2" find "$M" -size -100
cost "stat of 1,200, listed" "" find "$M" -newermt 1990-01-01
remount "${LONG[@]}"

note "small files"
mkdir "$M/dir" "$M/dir/sub"
ls -l "$M/dir" >/dev/null
write() { printf '%s' "$1" >"$2"; }
cost "create, write, close, listed" "1 PutObject" write hello "$M/dir/new"
cost "a file just written, read" "1 GetObject" cat "$M/dir/new"
put_object '{"key": "small/a", "body": "content", "age_s": 60}'
ls -l "$M/small" >/dev/null
cost "open, read, close, listed" "1 GetObject" cat "$M/small/a"
cost "overwrite, listed" "1 PutObject" write again "$M/dir/new"
append() { printf '%s' "$1" >>"$2"; }
cost "append to a small file" "1 GetObject, 1 PutObject" append more "$M/dir/new"
is "$(stored b dir/new)" againmore "append to a small file: its content"
cost "unlink" "1 DeleteObject" rm "$M/dir/new"
put_object '{"key": "old", "body": "content", "age_s": 60}'
remount "${LONG[@]}"
costs_at_most "create, write, close, cold" 3 write hello "$M/cold-file"
costs_at_most "overwrite, cold: a stat and 1 PUT" 3 write hello "$M/old"
costs_at_most "the same below a directory that has a marker: its stat more" $((3 + 3)) write hello "$M/dir/cold"

put_object '{"key": "unlisted/f", "body": "x"}'
remount "${LONG[@]}"
ls "$M" >/dev/null
costs_at_most "below a directory that only the listing above it shows: one look for a sealed volume more" $((3 + 2 + 1)) \
  write hello "$M/unlisted/new"
is "$(requests_of GetObject)" 1 "the look for a sealed volume"
server_forget
write hello "$M/unlisted/newer"
is "$(requests_of GetObject)" 0 "which is not looked for again"

note "rsync's way"
ls -l "$M/dir" >/dev/null
echo content >"$WORK/file"
chmod 640 "$WORK/file"
touch -d '2020-02-02 12:00:00' "$WORK/file"
cost "rsync -a of one file" "1 CopyObject, 1 DeleteObject, 1 PutObject" rsync -a "$WORK/file" "$M/dir/"
is "$(stat -c '%a %Y' "$M/dir/file")" "640 1580644800" "rsync -a of one file: its attributes"
is "$(stored b dir/file)" content "rsync -a of one file: its content"
cost "rsync -a again" "" rsync -a "$WORK/file" "$M/dir/"

note "large files"
head -c 40000000 /dev/urandom >"$WORK/large"
cost "streamed file of 5 parts" "1 CompleteMultipartUpload, 1 CreateMultipartUpload, 5 UploadPart" \
  cp "$WORK/large" "$M/dir/large"
is "$(stored b dir/large | md5sum)" "$(md5sum <"$WORK/large")" "streamed file: its content"
copy_and_touch() {
  cp "$WORK/large" "$1"
  touch -d '2020-02-02 12:00:00' "$1"
  sync "$1" # what waits is sent at last
}
cost "the same with attributes changed after it began" \
  "1 CompleteMultipartUpload, 1 CopyObject, 1 CreateMultipartUpload, 5 UploadPart" copy_and_touch "$M/dir/touched"

note "names"
cost "mkdir" "1 PutObject" mkdir "$M/dir/made"
cost "rmdir" "1 DeleteObject, 1 ListObjectsV2" rmdir "$M/dir/made"
cost "rename" "1 CopyObject, 1 DeleteObject" mv "$M/dir/file" "$M/dir/renamed"
fill '{"prefix": "tree/", "count": 250, "size": 10, "age_s": 60}'
put_object '{"key": "tree/", "body": ""}'
remount "${LONG[@]}"
ls -l "$M" >/dev/null
# shellcheck disable=SC2016  # perl's
cost "rename of a directory of 250 files and its marker" "251 CopyObject, 1 DeleteObjects, 1 ListObjectsV2" \
  perl -e 'rename($ARGV[0], $ARGV[1]) or die $!' "$M/tree" "$M/moved"
is "$(keys_of b moved/ | wc -l) $(keys_of b tree/ | wc -l)" "251 0" "rename of a directory: all keys went over"
fill '{"prefix": "gone/", "count": 1500, "size": 10}'
server_forget
"$COFFER" rm -r -y "$M/gone" >/dev/null || fail "coffer rm -r succeeds"
is "$(requests_of ListObjectsV2) $(requests_of DeleteObjects) $(requests_of DeleteObject)" "2 2 0" \
  "coffer rm -r of 1,500 files: 2 LIST, 2 DeleteObjects"
at_most "$(server_requests length)" 8 "coffer rm -r: all it asks"
note "$(requests_made)"
is "$(keys_of b gone/ | wc -l)" 0 "coffer rm -r: nothing is left"

note "reading"
MIB=1048576
put_object "{\"key\": \"big\", \"size\": $((64 * MIB)), \"age_s\": 60}"
put_object "{\"key\": \"huge\", \"size\": $((1024 * MIB)), \"age_s\": 60}"
remount "${LONG[@]}"
ls -l "$M" >/dev/null
# ceil(64 MiB / 8 MiB) + log2(8 MiB / 128 KiB)
for reader in "cat" "dd bs=4k status=none" "dd bs=3M status=none"; do
  server_forget
  # shellcheck disable=SC2086  # words
  ok "$reader of 64 MiB" cmp <($reader <"$M/big") <(stored b big)
  at_most "$(requests_of GetObject)" $((8 + 6)) "$reader of 64 MiB: GETs"
  # the kernel's read-ahead comes in its own order: a late piece may be asked for by itself
  at_most "$(total GetObject)" $((65 * MIB)) "$reader of 64 MiB: next to no byte is fetched twice"
  remount "${LONG[@]}"
  ls -l "$M" >/dev/null
done
server_forget
head -c $((4 * MIB)) "$M/huge" >/dev/null
settled() { # no request under way: the counter stands still
  local before=$FETCHED
  FETCHED=$(total GetObject)
  [[ $FETCHED == "$before" ]] || { sleep 0.2; return 1; }
}
FETCHED=-1
within 10 settled
at_most "$FETCHED" $(((5 + 64) * MIB)) "the first 4 MiB of 1 GiB: fetched in vain no more than the window"
at_most "$FETCHED" $((5 * 4 * MIB + 9 * MIB)) "and a window that had grown to four times what was read"

random_reads() { # FILE SIZE COUNT: 4 KiB at places in no order
  perl -e 'my ($file, $size, $count) = @ARGV; srand 7; open my $f, "<", $file or die $!; my $got;
    for (1 .. $count) { sysseek $f, 4096 * int(rand($size / 4096)), 0; sysread($f, $got, 4096) == 4096 or die $! }' "$@"
}
server_forget
ok "200 random reads of 4 KiB" random_reads "$M/huge" $((1024 * MIB)) 200
at_most "$(requests_of GetObject)" 220 "200 random reads of 4 KiB: GETs"
at_most "$(total GetObject)" $((200 * 4096 * 8)) "200 random reads of 4 KiB: bytes fetched"
at_most "$(counters "$M" .requests.GetObject.bytes_in)" $((FETCHED + 200 * 4096 * 8)) \
  "200 random reads of 4 KiB: bytes by coffer's count"

note "sixteen readers at once"
for i in {1..16}; do put_object "{\"key\": \"sixteen/$i\", \"size\": 100000, \"age_s\": 60}"; done
stored b sixteen/1 >"$WORK/sixteen" # all of a size are alike
remount "${LONG[@]}"
ls -l "$M/sixteen" >/dev/null
server_forget
server_control POST settings '{"latency_ms": 1500}' >/dev/null # much more than it takes to start them
pids=()
for i in {1..16}; do
  cmp "$M/sixteen/$i" "$WORK/sixteen" &
  pids+=($!)
done
bad=0
for pid in "${pids[@]}"; do wait "$pid" || ((++bad)); done
is "$bad" 0 "sixteen readers: right bytes"
is "$(requests_made)" "16 GetObject" "sixteen readers: 16 GETs"
# the most requests that were under way at one time
# shellcheck disable=SC2016  # $e is jq's
overlap=$(server_requests '[.[] | select(.operation == "GetObject") | [.start, 1], [.start + .ms / 1000, -1]]
  | sort | reduce .[] as $e ([0, 0]; [.[0] + $e[1], ([.[1], .[0] + $e[1]] | max)]) | .[1]')
at_least "$overlap" 12 "sixteen readers wait for the network together: requests at once"

ok "umount" umount_coffer "$M"
done_testing
