#!/usr/bin/env bash
# coffer versions: what it shows of a file, there or not, plain and sealed; a version made current again; what is hidden
# below a directory; what is refused, and a race that is lost.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3 setfattr getfattr

start_server --lock-enabled --bucket demo --user BLIND:secret:deny=GetObjectRetention,GetObjectLegalHold \
  --user NOLIST:secret:deny=ListBucketVersions --user NOREAD:secret:deny=GetObjectVersion \
  --user NOWRITE:secret:deny=PutObject
for name in unversioned stopped; do server_control POST buckets "{\"name\": \"$name\"}" >/dev/null; done
as() { AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=secret "${@:2}"; }
M=$WORK/m
KEY=(--key-file "$WORK/key")
# of FILE JQ: what --json says
of() { "$COFFER" versions "$1" --json | jq -r "$2"; }
# nth FILE N: the id of its N-th newest version, markers included
nth() { of "$1" ".versions[$2].version_id"; }
# refused CODE TEXT DESCRIPTION COMMAND...
refused() {
  local code=$1 text=$2 description=$3
  shift 3
  exits "$code" "$description: exit code $code" "$@" && like "$OUTPUT" "$text" "$description: says so"
}
lock_object() { server_control POST buckets/demo/lock "$(jq -c --arg key "$1" '. + {key: $key}' <<<"$2")" >/dev/null; }

for kind in plain sealed; do
  note "$kind"
  volume_of $kind "s3://demo/$kind"
  mount_coffer "s3://demo/$kind" "$M" "${OPTIONS[@]}" || bail "no mount"
  mkdir -p "$M/d/gone"
  printf first >"$M/d/f"
  setfattr -n user.note -v kept "$M/d/f"
  chmod 640 "$M/d/f"
  touch -d 2020-02-03T04:05:06Z "$M/d/f"
  FIRST=$(nth "$M/d/f" 0)
  printf 'the second' >"$M/d/f"
  SECOND=$(nth "$M/d/f" 0)
  is "$(of "$M/d/f" '[.versions[] | select(.current)] | length')" 1 "$kind: one version is current"
  is "$(of "$M/d/f" '.versions[0] | "\(.current) \(.size) \(.locked) \(.sealed)"')" \
    "true 10 false $([[ $kind == sealed ]] && echo true || echo false)" "$kind: the newest comes first, with its plaintext's size"
  is "$(of "$M/d/f" '.versions[1].hidden_by')" "newer version" "$kind: the others say what hides them"
  is "$(of "s3://demo/$kind/d/f" .versions)" "$(of "$M/d/f" .versions)" "$kind: by its address it is the same"
  exits 0 "$kind: for people" "$COFFER" versions "$M/d/f"
  like "$OUTPUT" "^20[-0-9T:]+Z +10 B  $SECOND  [^ ]+  current; not locked" "$kind: one line each"

  exits 0 "$kind: restore" "$COFFER" versions "$M/d/f" --restore "$FIRST"
  like "$OUTPUT" "version $FIRST .* is current again, as version [^ ]+; below it is version $SECOND" "$kind: says so"
  is "$(cat "$M/d/f")" first "$kind: the content is back on the mount that is there"
  umount_coffer "$M" >/dev/null || bail "no umount"
  mount_coffer "s3://demo/$kind" "$M" "${OPTIONS[@]}" || bail "no mount"
  is "$(cat "$M/d/f")" first "$kind: and on a new one"
  is "$(stat -c '%a %Y' "$M/d/f") $(getfattr --absolute-names --only-values -n user.note "$M/d/f" 2>&1)" "640 1580702706 kept" \
    "$kind: with mode, time and attributes"
  is "$(nth "$M/d/f" 1)" "$SECOND" "$kind: what was current is the next"
  server_forget
  exits 0 "$kind: the current one" "$COFFER" versions "$M/d/f" --restore "$(nth "$M/d/f" 0)"
  like "$OUTPUT" 'is the current one already' "$kind: needs nothing"
  is "$(requests_of CopyObject)" 0 "$kind: and is not copied"

  note "$kind: removed"
  rm "$M/d/f"
  is "$(of "$M/d/f" '.versions[0] | "\(.delete_marker) \(.current)"')" "true true" "$kind: a removed file has a marker on top"
  is "$(of "$M/d/f" '.versions[1].hidden_by')" "delete marker" "$kind: which hides the rest"
  refused 2 'is a delete marker' "$kind: a marker" "$COFFER" versions "$M/d/f" --restore "$(nth "$M/d/f" 0)"
  exits 0 "$kind: restore by address" "$COFFER" versions "s3://demo/$kind/d/f" --restore "$SECOND"

  within 20 test -e "$M/d/f" || fail "$kind: a mount sees it, too"
  printf deep >"$M/d/gone/x"
  rm -r "$M/d/gone"
  exits 0 "$kind: a file below a directory that is gone, too" "$COFFER" versions "$M/d/gone/x" --restore "$(nth "$M/d/gone/x" 1)"
  mv "$M/d/f" "$M/d/renamed"
  is "$(of "$M/d/f" '.versions[0].delete_marker')" true "$kind: a name that was renamed away has its versions"
  umount_coffer "$M" >/dev/null || bail "no umount"
  mount_coffer "s3://demo/$kind" "$M" "${OPTIONS[@]}" || bail "no mount"
  is "$(cat "$M/d/gone/x")" deep "$kind: restored, and read"
  is "$(cat "$M/d/renamed")" "the second" "$kind: so is what was restored by address, under its new name"
  umount_coffer "$M" >/dev/null || bail "no umount"
  if [[ $kind == sealed ]]; then
    ok "sealed: every object is sound and bound to its name" "$COFFER" verify "s3://demo/sealed" "${KEY[@]}"
  fi
done
put_object() { server_control POST "buckets/${3:-demo}/put" "$(jq -nc --arg key "$1" --arg body "$2" '{key: $key, body: $body, age_s: 60}')" >/dev/null; }

note "locks"
put_object lock/f one && lock_object lock/f '{"mode": "GOVERNANCE", "for_s": 3600}'
put_object lock/f two
ONE=$(nth s3://demo/lock/f 1)
is "$(of s3://demo/lock/f '.versions[1] | "\(.locked) \(.mode) \(.legal_hold)"')" "true GOVERNANCE false" "a locked version under another is seen"
exits 0 "restore of it" "$COFFER" versions s3://demo/lock/f --restore "$ONE"
like "$OUTPUT" "was copied has GOVERNANCE until .*its copy has no lock: 'coffer lock'" "says that the copy is not locked"
is "$(of s3://demo/lock/f '[.versions[].locked] | join(" ")')" "false false true" "nor is it, and the locked one stays"
lock_object lock/f '{"hold": true}'
refused 1 'legal hold.*|--locked=versioned' "a locked current version" "$COFFER" versions s3://demo/lock/f --restore "$(nth s3://demo/lock/f 1)"
is "$(of s3://demo/lock/f '.versions | length')" 3 "nothing was copied over it"
exits 0 "--locked=versioned" "$COFFER" versions s3://demo/lock/f --restore "$(nth s3://demo/lock/f 1)" --locked=versioned
is "$(of s3://demo/lock/f '.versions | map(.locked) | join(" ")') $(stored demo lock/f)" "false true false true two" "lays it over, and keeps the locked one"
exits 3 "locks that cannot be seen" as BLIND "$COFFER" versions s3://demo/lock/f
like "$OUTPUT" 'lock unknown: allow s3:GetObjectRetention' "are unknown, not absent"
unlike "$OUTPUT" 'not locked' "and nothing is called unlocked"
lock_object lock/f '{"hold": false}'
refused 1 'locks cannot be seen|locked' "nor does who cannot see them restore" as BLIND "$COFFER" versions s3://demo/lock/f --restore "$ONE"

note "hidden below a directory"
put_object h/a one && put_object h/a three3 && put_object h/b two && put_object h/sub/c seven77
lock_object h/sub/c '{"hold": true}'
"$COFFER" rm -y s3://demo/h/b >/dev/null 2>&1
s3 DELETE /demo/h/sub/c >/dev/null
put_object hz other && put_object hz again
exits 0 "versions -r --hidden" "$COFFER" versions -r --hidden s3://demo/h
like "$OUTPUT" 'h/a: 20.* 3 B .*hidden by a newer version; not locked' "what is under a newer version"
like "$OUTPUT" 'h/b: 20.*hidden by a delete marker; not locked' "what is under a marker"
like "$OUTPUT" 'h/sub/c: 20.*hidden by a delete marker; legal hold' "and that it is locked"
like "$OUTPUT" '3 hidden versions of 3 files, 13 B; 1 of them locked' "with counts"
unlike "$OUTPUT" 'hz:|three3| 6 B' "nothing else"
is "$("$COFFER" versions -r --hidden s3://demo/h/ --json | jq -c '[.version_count, .file_count, .bytes, .locked, .unknown, .complete, (.versions | length)]')" \
  "[3,3,13,1,0,true,3]" "the same for programs"
mount_coffer s3://demo/h "$M" || bail "no mount"
exits 0 "on a mount" "$COFFER" versions -r --hidden "$M"
like "$OUTPUT" "$M/sub/c: .*legal hold" "by paths in it"
exits 0 "a directory that is gone" "$COFFER" versions -r --hidden "$M/sub"
like "$OUTPUT" "1 hidden version of 1 file, 7 B; 1 of them locked" "has what was in it"
umount_coffer "$M" >/dev/null || bail "no umount"
exits 3 "what may not be looked at" as NOREAD "$COFFER" versions -r --hidden s3://demo/h
like "$OUTPUT" 'h/sub/c: .*lock unknown: allow s3:GetObjectVersion.*0 of them locked; of 3 that is not known' "is told one by one"

note "a file with more versions than a page"
for ((i = 0; i < 1005; ++i)); do
  printf 'next\nurl = "%s"\noutput = /dev/null\ndata-binary = "@%s"\n' "$SERVER_URL/-/buckets/demo/put" "$WORK/one"
done | sed 1d >"$WORK/many"
printf '{"key": "long/f", "body": "x"}' >"$WORK/one"
curl -sSk -K "$WORK/many" || bail "no versions"
put_object long/f2 next
is "$(of s3://demo/long/f '[.versions[].version_id] | "\(length) \(unique | length)"')" "1005 1005" "each is shown once"
server_forget
is "$("$COFFER" versions -r --hidden s3://demo/long --json | jq .version_count)" 1004 "and all but the newest is hidden"
is "$(requests_of ListObjectVersions)" 2 "a request for each 1,000"

note "more than 5 GB"
server_control POST buckets/demo/put '{"key": "large/f", "size": 5368709121, "metadata": {"note": "kept"}}' >/dev/null
put_object large/f small
server_forget
exits 0 "restore" "$COFFER" versions s3://demo/large/f --restore "$(nth s3://demo/large/f 1)"
at_least "$(requests_of UploadPartCopy)" 2 "is copied in parts"
is "$(of s3://demo/large/f '.versions[0].size') $(requests_of CopyObject)" "5368709121 0" "and whole"
is "$(server_control POST buckets/demo/get '{"key": "large/f"}' | jq -r .metadata.note) $(uploads_of demo)" "kept 0" "with its metadata, and no upload is left"
server_control POST buckets/demo/put '{"key": "large/f", "body": "small"}' >/dev/null
server_control POST faults '{"rules": [{"match": {"operation": "CompleteMultipartUpload"}, "do": {"hold": "large"}}]}' >/dev/null
server_forget
"$COFFER" versions s3://demo/large/f --restore "$(nth s3://demo/large/f 1)" >"$WORK/large" 2>&1 &
LOSER=$!
completing() { (($(requests_of CompleteMultipartUpload) >= 1)); }
within 120 completing || fail "the last request is on its way"
put_object large/f theirs
server_control POST release '{"name": "large"}' >/dev/null
server_control POST faults '[]' >/dev/null
wait "$LOSER"
is "$? $(stored demo large/f) $(uploads_of demo)" "1 theirs 0" "a race is lost with it as well, and no upload is left"
like "$(cat "$WORK/large")" 'somebody wrote or removed it meanwhile' "says so"

note "a race that is lost"
put_object race/f one && put_object race/f two
server_forget
server_control POST faults '{"rules": [{"match": {"operation": "CopyObject"}, "do": {"hold": "gate"}}]}' >/dev/null
"$COFFER" versions s3://demo/race/f --restore "$(nth s3://demo/race/f 1)" >"$WORK/race" 2>&1 &
LOSER=$!
copying() { (($(requests_of CopyObject) >= 1)); }
within 20 copying || fail "the copy is on its way"
put_object race/f three
server_control POST release '{"name": "gate"}' >/dev/null
server_control POST faults '[]' >/dev/null
wait "$LOSER"
is "$?" 1 "somebody wrote meanwhile: exit code 1"
like "$(cat "$WORK/race")" 'somebody wrote or removed it meanwhile: nothing was restored' "says so"
is "$(stored demo race/f)" three "theirs is what is there"

note "what is refused"
refused 1 'it has no version nonsense' "a version that is not there" "$COFFER" versions s3://demo/race/f --restore nonsense
refused 1 'no such file is stored' "a file that never was" "$COFFER" versions s3://demo/rac
refused 1 'there is no version of it' "nor can it be restored" "$COFFER" versions s3://demo/rac --restore x
refused 5 's3:ListBucketVersions|AccessDenied' "who may not list versions" as NOLIST "$COFFER" versions s3://demo/race/f
refused 5 'AccessDenied' "nor what is hidden" as NOLIST "$COFFER" versions -r --hidden s3://demo/race
refused 5 's3:GetObjectVersion' "who may not read old versions" as NOREAD "$COFFER" versions s3://demo/race/f --restore "$(nth s3://demo/race/f 1)"
refused 5 'AccessDenied' "who may not write" as NOWRITE "$COFFER" versions s3://demo/race/f --restore "$(nth s3://demo/race/f 1)"
is "$(stored demo race/f)" three "changes nothing"
head -c 32 /dev/urandom >"$WORK/key2"
chmod 600 "$WORK/key2"
"$COFFER" key add s3://demo/sealed "key-file=$WORK/key2" "${KEY[@]}" -y >"$WORK/add" 2>&1 || bail "no second key: $(cat "$WORK/add")"
refused 1 'older one may name keys' "an older descriptor of a sealed volume" \
  "$COFFER" versions s3://demo/sealed/.coffer/volume --restore "$(nth s3://demo/sealed/.coffer/volume 1)"
refused 2 'a directory' "a directory" "$COFFER" versions s3://demo/race/
refused 2 'go together' "-r alone" "$COFFER" versions -r s3://demo/race
refused 2 'go together' "--hidden alone" "$COFFER" versions --hidden s3://demo/race
refused 2 'does not go with' "--restore of a directory" "$COFFER" versions -r --hidden s3://demo/race --restore x
refused 2 'needs a version' "--restore of nothing" "$COFFER" versions s3://demo/race/f --restore ''
refused 2 'not in a mount' "a file that is no mount's" "$COFFER" versions "$WORK"

note "buckets that keep no versions"
put_object f only unversioned
exits 0 "a bucket without versions" "$COFFER" versions s3://unversioned/f
like "$OUTPUT" 'keeps no versions' "says so"
like "$OUTPUT" ' null .*current' "and shows the one there is"
refused 1 'it has no version x' "no other can be restored" "$COFFER" versions s3://unversioned/f --restore x
server_control POST buckets/stopped/settings '{"versioning": "Enabled"}' >/dev/null
put_object f one stopped && put_object f two stopped
server_control POST buckets/stopped/settings '{"versioning": "Suspended"}' >/dev/null
put_object f three stopped
refused 1 'suspended.*would be gone' "where versioning is suspended" "$COFFER" versions s3://stopped/f --restore "$(nth s3://stopped/f 1)"
is "$(stored stopped f) $(of s3://stopped/f '.versions | length' 2>/dev/null)" "three 3" "nothing is lost"
done_testing
