#!/usr/bin/env bash
# What commands on locks and versions must not pass over in silence: a 404 that is not the service's, a change that could
# not be sent, one name for a file and a directory; and what is not theirs to touch: another filesystem inside a mount,
# what a mount of another time shows. They act with the credentials of who calls.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq lsattr

start_server --lock-enabled --bucket b --user UNABLE:secret:deny=PutObjectRetention,PutObjectLegalHold \
  --user KEYBLIND:secret:deny=GetObjectRetention@hidden/blind/*,GetObjectLegalHold@hidden/held/* \
  --user NOSTATE:secret:deny=GetBucketVersioning,GetBucketObjectLockConfiguration
as() { AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=secret "${@:2}"; }
M=$WORK/m
# put_object KEY [BODY [AGE_S [BUCKET]]]
put_object() {
  server_control POST "buckets/${4:-b}/put" "$(jq -nc --arg key "$1" --arg body "${2:-content of $1}" --argjson age "${3:-60}" \
    '{key: $key, body: $body, age_s: $age}')" >/dev/null
}
lock_object() { server_control POST buckets/b/lock "$(jq -c --arg key "$1" '. + {key: $key}' <<<"$2")" >/dev/null; }
lock_of() { server_control POST buckets/b/get "{\"key\": \"$1\"}" | jq -r '.lock // {} | "\(.mode // "none") \(.hold // false)"'; }
faults() { server_control POST faults "{\"rules\": [$1]}" >/dev/null; }
# refused CODE TEXT DESCRIPTION COMMAND...
refused() {
  local code=$1 text=$2 description=$3
  shift 3
  exits "$code" "$description: exit code $code" "$@" && like "$OUTPUT" "$text" "$description: says so"
}
nth() { "$COFFER" versions "$1" --json | jq -r ".versions[$2].version_id"; }
GOVERNED='{"mode": "GOVERNANCE", "for_s": 3600}'

note "a 404 that is not the service's"
for kind in foreign_404 bodiless_404; do
  for name in 1 2 3; do put_object "$kind/$name"; done
  faults "{\"match\": {\"operation\": \"HeadObject\", \"key_glob\": \"$kind/2\", \"times\": 1}, \"do\": {\"$kind\": true}}"
  exits 0 "$kind: lock -r, once" "$COFFER" lock -r "s3://b/$kind" --for 1d
  is "$(lock_of $kind/2)" "GOVERNANCE false" "$kind: locks the file all the same"
  faults "{\"match\": {\"operation\": \"HeadObject\", \"key_glob\": \"$kind/2\"}, \"do\": {\"$kind\": true}}"
  refused 3 "not locked: $kind/2: .*a listing has the key" "$kind: lock -r" "$COFFER" lock -r "s3://b/$kind" --for 2d
  refused 3 "not extended: $kind/2: " "$kind: --extend" "$COFFER" lock "s3://b/$kind/**" --extend 3d --if-less-than 2d
  refused 3 "$kind/2: unknown: " "$kind: --report --require" "$COFFER" lock --report "s3://b/$kind" --require '*=governance:1h'
  faults ''
done
put_object gone/1 && put_object gone/2
faults '{"match": {"operation": "HeadObject", "key_glob": "gone/1"}, "do": {"hold": "gone"}}'
"$COFFER" lock -r s3://b/gone --for 1d --mode governance >"$WORK/gone" 2>&1 &
LOCKER=$!
held() { [[ $(lock_of gone/2) == GOVERNANCE* ]]; }
within 20 held || fail "one is locked, the other is looked at"
s3 DELETE /b/gone/1 >/dev/null
server_control POST release '{"name": "gone"}' >/dev/null
wait $LOCKER
is "$? $(grep -o 'locked 1 file' "$WORK/gone")" "0 locked 1 file" "a file that is removed meanwhile is none that was missed"
faults ''

put_object rm/tree/1 && lock_object rm/tree/1 "$GOVERNED"
ok "mount" mount_coffer s3://b/rm "$M" --metadata-ttl indefinite
echo mine >"$M/f" && cat "$M/f" >/dev/null
lock_object rm/f "$GOVERNED"
faults '{"match": {"operation": "HeadObject", "key_glob": "rm/f", "times": 1}, "do": {"bodiless_404": true}}'
nok "rm of a file that somebody locked, with a stray 404" rm -f "$M/f"
is "$(keys_of b rm/f) $(cat "$M/f")" "rm/f mine" "it is there"
ok "umount" umount_coffer "$M"
faults '{"match": {"operation": "HeadObject", "key_glob": "rm/*", "times": 1}, "do": {"foreign_404": true}}'
exits 1 "coffer rm -r of locked files, with a stray 404" "$COFFER" rm -r -y s3://b/rm
is "$(keys_of b rm/)" $'rm/f\nrm/tree/1' "they are there"
faults ''

note "a file and a directory of one name"
put_object both && put_object both/x && put_object both/d/y && put_object single && put_object marker && put_object marker/ ' '
exits 0 "lock -r" "$COFFER" lock -r s3://b/both --for 1d
like "$OUTPUT" 's3://b/both is a file and a directory, too: -r takes both' "says so"
like "$OUTPUT" 'locked 3 files' "counts all"
is "$(lock_of both) $(lock_of both/x) $(lock_of both/d/y)" "GOVERNANCE false GOVERNANCE false GOVERNANCE false" "locks both"
exits 0 "hold without -r" "$COFFER" hold on s3://b/both
is "$(lock_of both) $(lock_of both/x)" "GOVERNANCE true GOVERNANCE false" "is of the file alone"
exits 0 "-r of a file alone" "$COFFER" lock -r s3://b/single --for 1d
unlike "$OUTPUT" 'directory' "needs no word"
exits 0 "of a file beside an empty directory" "$COFFER" lock -r s3://b/marker --for 1d
is "$(lock_of single) $(lock_of marker)" "GOVERNANCE false GOVERNANCE false" "is that file"
refused 2 'is a file and a directory, too: s3://b/both/ is all below' "--report of such a name" "$COFFER" lock --report s3://b/both
exits 0 "--report of the directory" "$COFFER" lock --report s3://b/both/
like "$OUTPUT" 'looked at 2 files' "is what is below"

note "a change that could not be sent"
ok "mount" mount_coffer s3://b/unsent "$M"
mkdir "$M/d" && echo x >"$M/d/f" && echo y >"$M/d/g"
faults '{"match": {"operation": "CopyObject"}, "do": {"hold": "unsent", "status": 403}}'
chmod 600 "$M/d/f"
"$COFFER" lock "$M/d/f" "$M/d/g" --for 1d >"$WORK/unsent" 2>&1 &
LOCKER=$!
sending() { (($(server_requests 'map(select(.key == "unsent/d/f" and .operation == "CopyObject")) | length') > 0)); }
within 20 sending || fail "the change is on its way"
is "$(lock_of unsent/d/f)" "none false" "lock waits for it"
server_control POST release '{"name": "unsent"}' >/dev/null
wait $LOCKER
is $? 3 "where it fails the exit code is 3"
like "$(<"$WORK/unsent")" "not locked: $M/d/: a change that was made there could not be stored" "it is told"
is "$(lock_of unsent/d/f) $(lock_of unsent/d/g)" "GOVERNANCE false GOVERNANCE false" "what is stored is locked"
faults ''
ok "umount" umount_coffer "$M"

note "with the credentials of who calls"
mkdir -m 700 "$WORK/aws" && umask 077
cat >"$WORK/aws/credentials" <<EOD
[mighty]
aws_access_key_id = $AWS_ACCESS_KEY_ID
aws_secret_access_key = $AWS_SECRET_ACCESS_KEY
[unable]
aws_access_key_id = UNABLE
aws_secret_access_key = secret
EOD
export AWS_SHARED_CREDENTIALS_FILE=$WORK/aws/credentials
put_object who/f
ok "mount with a profile" mount_coffer s3://b/who "$M" --profile mighty
exits 5 "hold with keys in the environment that may not" as UNABLE "$COFFER" hold on "$M/f"
exits 5 "with a profile that may not" "$COFFER" hold on "$M/f" --profile unable
is "$(lock_of who/f)" "none false" "neither held it by the mount's profile"
exits 5 "--no-sign-request is not signed by it either" "$COFFER" hold on "$M/f" --no-sign-request
exits 5 "the owner that is asked for is looked at" "$COFFER" hold on "$M/f" --expected-bucket-owner 999999999999
exits 0 "with one that may" "$COFFER" hold on "$M/f" --profile mighty
is "$(lock_of who/f)" " true" "it is held"
unlike "$("$COFFER" status "$M" --json)" 'mighty' "nor does the mount tell whose it has"
ok "umount" umount_coffer "$M"
ok "mount without credentials of its own right" mount_coffer s3://b/who "$M" --profile unable
exits 0 "the caller's count" "$COFFER" hold off "$M/f"
ok "umount" umount_coffer "$M"

note "a mount of another time"
put_object past/f old 600 && put_object past/f new 60
ok "mount --at" mount_coffer s3://b/past "$M" --at 5m
is "$(cat "$M/f")" old "shows what was"
refused 2 'shows what was there at 5m' "lock" "$COFFER" lock "$M/f" --for 1d
refused 2 'shows what was there' "hold -r" "$COFFER" hold on -r "$M"
refused 2 'shows what was there' "--extend" "$COFFER" lock "$M/**" --extend 2d --if-less-than 1d
refused 2 'shows what was there' "--report" "$COFFER" lock --report "$M"
refused 2 'shows what was there' "unlock" "$COFFER" unlock "$M/f" --bypass-governance-retention
refused 2 'shows what was there' "rm" "$COFFER" rm -y "$M/f"
refused 2 'shows what was there' "share" "$COFFER" share "$M/f"
refused 2 'shows what was there' "rebind" "$COFFER" rebind "$M/f"
is "$(lock_of past/f) $(stored b past/f)" "none false new" "the current version stays as it is"
exits 0 "versions" "$COFFER" versions "$M/f"
like "$OUTPUT" ' current; not locked' "are those of the name"
ok "umount" umount_coffer "$M"

note "another filesystem inside a mount"
put_object in/inner/x && put_object in/f
ok "mount" mount_coffer s3://b/in "$M"
if ((EUID == 0)) && mount -t tmpfs none "$M/inner" 2>/dev/null; then
  echo other >"$M/inner/x"
  refused 2 "$M/inner/x is in another filesystem, which is mounted inside $M" "lock" "$COFFER" lock "$M/inner/x" --for 1d
  refused 2 'another filesystem' "hold -r of where it is mounted" "$COFFER" hold on -r "$M/inner"
  refused 2 'another filesystem' "a name that is not there" "$COFFER" versions "$M/inner/none/at/all"
  refused 2 'another filesystem' "rm" "$COFFER" rm -y "$M/inner/x"
  is "$(lock_of in/inner/x) $(keys_of b in/inner/x)" "none false in/inner/x" "the bucket's file of that name stays as it is"
  exits 0 "beside it" "$COFFER" lock "$M/f" --for 1d
  umount "$M/inner"
else
  skip "another filesystem: takes root"
fi
ok "umount" umount_coffer "$M"

note "versions whose locks may not be seen, name by name"
for name in seen/a blind/a held/a; do put_object "hidden/$name" one && put_object "hidden/$name" two; done
exits 3 "versions -r --hidden" as KEYBLIND "$COFFER" versions -r --hidden s3://b/hidden
like "$OUTPUT" 'hidden/seen/a: [^'$'\n'']*; not locked' "what is seen is said"
like "$OUTPUT" 'hidden/blind/a: [^'$'\n'']*lock unknown: allow s3:GetObjectRetention' "what is not, is unknown"
like "$OUTPUT" 'hidden/held/a: [^'$'\n'']*lock unknown: allow s3:GetObjectLegalHold' "a hold, too"
like "$OUTPUT" '3 hidden versions of 3 files.*; of 2 that is not known' "and counted"

note "versions --restore where the bucket may keep none"
server_control POST buckets '{"name": "maybe"}' >/dev/null
put_object f null 600 maybe
server_control POST buckets/maybe/settings '{"versioning": "Enabled"}' >/dev/null
for body in one two; do put_object f $body 60 maybe && put_object g $body 60 maybe; done
ONE=$(nth s3://maybe/f 1) OTHER=$(nth s3://maybe/g 1)
server_control POST buckets/maybe/settings '{"versioning": "Suspended"}' >/dev/null
refused 1 'cannot be seen from here.*"null".*s3:GetBucketVersioning' "a copy that may take the place of a version" \
  as NOSTATE "$COFFER" versions s3://maybe/f --restore "$ONE"
is "$("$COFFER" versions s3://maybe/f --json 2>/dev/null | jq -c '[.versions[].version_id == "null"]')" "[false,false,true]" "it is there"
exits 0 "where it can take none" as NOSTATE "$COFFER" versions s3://maybe/g --restore "$OTHER"
is "$(stored maybe g) $("$COFFER" versions s3://maybe/g --json 2>/dev/null | jq '.versions | length')" "one 3" "nothing is lost"
done_testing
