#!/usr/bin/env bash
# Small files that one reader opens one after the other: the next ones are fetched ahead, 1 GET each all the same, by the
# server's log; and nothing that is promised of an open is given up for it.
# Also under the sanitizers.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq

start_server --bucket b
M=$WORK/m
LONG=(--metadata-ttl 60)
fill() { server_control POST buckets/b/fill "$1" >/dev/null; }
put_object() { server_control POST buckets/b/put "$1" >/dev/null; }
remount() { # OPTION...: listed, with all attributes
  umount_coffer "$M" >/dev/null || bail "no umount"
  mount_coffer b "$M" "$@" || bail "no mount"
  ls -lR "$M" >/dev/null
  server_forget
}
reads() { counters "$M" ".reads.$1"; }
# the most GETs that were under way at one time
at_once() {
  # shellcheck disable=SC2016  # $e is jq's
  server_requests '[.[] | select(.operation == "GetObject") | [.start, 1], [.start + .ms / 1000, -1]]
    | sort | reduce .[] as $e ([0, 0]; [.[0] + $e[1], ([.[1], .[0] + $e[1]] | max)]) | .[1]'
}

fill '{"prefix": "a/", "count": 100, "size": 3000, "age_s": 60}'
fill '{"prefix": "n/", "count": 100, "size": 3000, "age_s": 60}'
fill '{"prefix": "t/one/", "count": 40, "size": 300, "age_s": 60}'
fill '{"prefix": "t/two/", "count": 40, "size": 300, "age_s": 60}'
fill '{"prefix": "t/", "count": 40, "size": 300, "age_s": 60}'
mount_coffer b "$M" "${LONG[@]}" || bail "no mount"
ls -lR "$M" >/dev/null
sleep 2 # rows of the index are good from then on
remount "${LONG[@]}"

note "in order"
server_control POST settings '{"latency_ms": 20}' >/dev/null
IN_ORDER=$(cat "$M"/a/* | md5sum)
is "$(requests_made)" "100 GetObject" "cat *: 1 GET each"
at_least "$(at_once)" 8 "cat *: GETs at once"
note "at once: $(at_once)"
at_least "$(reads files_ahead)" 90 "cat *: fetched ahead, in coffer status"
is "$(reads files_in_vain)" 0 "cat *: none in vain"
like "$("$COFFER" status "$M")" "small files fetched before the open, 0 in vain" "coffer status says so"
cat "$M"/a/* >/dev/null
is "$(requests_made)" "100 GetObject" "cat * again: from the kernel's cache"

for tool in "tar cf - -C $M t" "cp -r $M/t $WORK/copy"; do
  remount "${LONG[@]}"
  ok "$tool" sh -c "$tool >$WORK/out"
  is "$(requests_of GetObject)" 120 "${tool%% *}, directories and files mixed: 1 GET each"
  at_least "$(at_once)" 8 "${tool%% *}: GETs at once"
  is "$(reads files_in_vain)" 0 "${tool%% *}: none in vain"
done
ok "cp -r: the right bytes" diff -r "$M/t" "$WORK/copy"

note "in no order, and only some of them"
remount "${LONG[@]}"
for i in {0..99}; do echo $((i * 37 % 100)); done >"$WORK/order"
names=("$M"/a/*)
while read -r i; do cat "${names[i]}"; done <"$WORK/order" >/dev/null
is "$(requests_made)" "100 GetObject" "in no order: 1 GET each"
is "$(reads files_ahead)" 0 "in no order: none fetched ahead"
remount "${LONG[@]}"
cat "${names[@]:0:20}" >/dev/null
settled() { [[ $(requests_of GetObject) == "$(sleep 0.2; requests_of GetObject)" ]]; }
within 10 settled
at_most "$(requests_of GetObject)" $((20 + 32)) "the first 20 of 100: 32 more at most"
remount "${LONG[@]}"
for ((i = 0; i < 100; i += 1)); do ((i % 5 == 4)) || echo "${names[i]}"; done | xargs cat >/dev/null
within 10 settled
at_most "$(requests_of GetObject)" $((80 + 32)) "four of every five: given up"
note "$(requests_made)"

note "what is promised"
remount --metadata-ttl minimal
is "$(cat "$M"/a/* | md5sum)" "$IN_ORDER" "--metadata-ttl minimal: the same bytes"
is "$(requests_of GetObject) $(reads files_ahead)" "100 0" "and none ahead"
remount --metadata-ttl 3
cat "${names[@]:0:10}" >/dev/null
within 10 settled
other=$(basename "${names[10]}")
put_object "{\"key\": \"a/$other\", \"body\": \"of another machine\"}"
sleep 3.1
is "$(cat "$M/a/$other")" "of another machine" "what another machine wrote is read once the time to live is over"
remount "${LONG[@]}"
cat "${names[@]:0:12}" >/dev/null
within 10 settled
echo written >"${names[12]}"
is "$(cat "${names[12]}")" written "what this mount writes is read"
mv "${names[14]}" "${names[13]}"
is "$(md5sum <"${names[13]}")" "$(stored b "a/$(basename "${names[13]}")" | md5sum)" "what it renames, too"
rm "${names[15]}"
nok "what it removes is gone" cat "${names[15]}"

note "where reading is refused"
remount "${LONG[@]}"
server_control POST faults '[{"match": {"operation": "GetObject"}, "do": {"status": 403, "code": "AccessDenied"}}]' >/dev/null
cat "$M"/n/* >/dev/null 2>&1
is "$(requests_of GetObject) $(reads files_ahead)" "100 0" "nothing is asked for ahead"
server_control POST faults '[]' >/dev/null

note "sealed"
umount_coffer "$M" >/dev/null || bail "no umount"
volume_of sealed s3://b/sealed
mount_coffer s3://b/sealed "$M" "${OPTIONS[@]}" "${LONG[@]}" || bail "no mount"
mkdir "$M/d" "$WORK/d"
for i in {100..139}; do echo "content $i" >"$WORK/d/$i"; done
cp "$WORK"/d/* "$M/d/"
sleep 2
umount_coffer "$M" >/dev/null || bail "no umount"
mount_coffer s3://b/sealed "$M" "${OPTIONS[@]}" "${LONG[@]}" || bail "no mount"
ls -lR "$M" >/dev/null
server_forget
is "$(cat "$M"/d/* | md5sum)" "$(cat "$WORK"/d/* | md5sum)" "a sealed volume, in order: the right bytes"
is "$(requests_of GetObject)" 40 "a sealed volume: 1 GET each"
at_least "$(reads files_ahead)" 30 "a sealed volume: fetched ahead"
ok "umount" umount_coffer "$M"
done_testing
