#!/usr/bin/env bash
# A directory of 200,000 files: listed, walked and asked for attributes in bounded memory, and the second `ls -l` costs
# no more than the listing. The times are ceilings against something that grows with the square, not measurements.
# shellcheck disable=SC2010,SC2012  # ls itself is what is measured
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq

COUNT=200000
LISTS=$((COUNT / 1000))
start_server --bucket b
server_control POST buckets/b/fill "{\"prefix\": \"flat/\", \"count\": $COUNT, \"size\": 5000, \"age_s\": 3600}" >/dev/null
server_control POST buckets/b/fill '{"prefix": "deep/", "count": 2000, "size": 5000, "age_s": 3600, "depth": 2, "fanout": 10}' \
  >/dev/null
M=$WORK/m
heads_below() { server_requests "map(select(.operation == \"HeadObject\" and (.key | startswith(\"$1/\")))) | length"; }
begin() { STARTED=$SECONDS; }
took() { # SECONDS DESCRIPTION
  at_most $((SECONDS - STARTED)) "$1" "$2: seconds"
}

begin
mount_coffer b "$M" || bail "no mount"
took 20 "mount"

server_forget
begin
# the first 1,000 are there long before the last
first=$(cd "$M/flat" && perl -e 'opendir my $d, "."; for (1 .. 3) { $last = readdir $d } print $last')
like "$first" '^f0000' "the first names"
at_most "$(requests_of ListObjectsV2)" 20 "the first names do not wait for the last: LIST requests"

server_forget
is "$(ls "$M/flat" | wc -l)" $COUNT "ls"
at_most "$(requests_of ListObjectsV2)" $((LISTS + 3)) "ls: LIST requests"
took 60 "ls"
is "$(heads_below flat)" 0 "ls: no HEAD for a file in it"

server_forget
begin
is "$(find "$M/deep" -type f | wc -l)" 2000 "find in directories"
is "$(find "$M/flat" -name 'f01999*' | wc -l)" 100 "find -name"
took 60 "find"
note "find: $(requests_made)"

# objects too large to be a symlink are known to be files; exact attributes are another matter
begin
server_forget
umount_coffer "$M" >/dev/null
mount_coffer b "$M" --attributes list || bail "no mount"
is "$(ls -lU "$M/flat" | grep -c ' 5000 ')" $COUNT "ls -l --attributes=list"
is "$(heads_below flat)" 0 "ls -l --attributes=list: no HEAD for a file in it"
took 90 "ls -l --attributes=list"
HWM=$(counters "$M" .memory.rss_high_water)
PEAK=$((HWM >> 20))

note "exact attributes"
EXACT=${COFFER_TEST_EXACT:-10000} # 200,000 HEADs are some minutes of the stand-in, and no more telling
server_control POST buckets/b/fill "{\"prefix\": \"exact/\", \"count\": $EXACT, \"size\": 10, \"age_s\": 3600, \"metadata\": {\"mode\": \"33184\"}}" \
  >/dev/null
umount_coffer "$M" >/dev/null
mount_coffer b "$M" || bail "no mount"
server_forget
begin
is "$(ls -lU "$M/exact" | grep -c '^-rw-r-----')" "$EXACT" "ls -l, first: the attributes of each"
is "$(heads_below exact)" "$EXACT" "ls -l, first: one HEAD each"
took 120 "ls -l, first"
sleep 1.2
server_forget
begin
is "$(ls -lU "$M/exact" | grep -c '^-rw-r-----')" "$EXACT" "ls -l, again"
is "$(heads_below exact)" 0 "ls -l, again: no HEAD for a file in it"
at_most "$(requests_of ListObjectsV2)" $((EXACT / 1000 + 2)) "ls -l, again: LIST requests"
took 60 "ls -l, again"

note "memory"
note "$(counters "$M" ".memory | tojson")"
NOW=$(($(counters "$M" .memory.rss_high_water) >> 20))
at_most $((PEAK > NOW ? PEAK : NOW)) 384 "VmHWM in MiB"
ok "umount" umount_coffer "$M"
done_testing
