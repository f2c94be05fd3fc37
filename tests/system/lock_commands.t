#!/usr/bin/env bash
# coffer lock, hold and unlock: on paths of a mount and on addresses, plain and sealed; what is refused, what is asked
# first, what they say of what they could not do, and that governance is passed by unlock alone.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3 lsattr getfattr script

start_server --lock-enabled --bucket b --user BLIND:secret:deny=GetObjectRetention,GetObjectLegalHold \
  --user UNABLE:secret:deny=PutObjectRetention,PutObjectLegalHold --user NOBYPASS:secret:deny=BypassGovernanceRetention \
  --user LEGAL:secret:deny=GetObjectRetention,PutObjectRetention --user PARTLY:secret:deny=PutObjectRetention@part/b*
server_control POST buckets '{"name": "plain"}' >/dev/null
as() { AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=secret "${@:2}"; }
# what went over the wire is kept until the end
server_forget() {
  server_requests '.[] | select(.lock | keys | any(test("bypass"))) | .operation' >>"$WORK/bypassed"
  server_control POST requests/clear >/dev/null
}
M=$WORK/m
put_object() { server_control POST "buckets/${2:-b}/put" "{\"key\": \"$1\", \"body\": \"content of $1\", \"age_s\": 60}" >/dev/null; }
lock_object() { server_control POST buckets/b/lock "$(jq -c --arg key "$1" '. + {key: $key}' <<<"$2")" >/dev/null; }
lock_of() { server_control POST buckets/b/get "{\"key\": \"$1\"}" | jq -r '.lock // {} | "\(.mode // "") \(.hold // false)"'; }
until_of() { server_control POST buckets/b/get "{\"key\": \"$1\"}" | jq '.lock.until // 0 | floor'; }
# ends_in KEY SECONDS DESCRIPTION: its retention, give or take a minute
ends_in() {
  local left=$(($(until_of "$1") - $(date +%s) - $2))
  ((left > -60 && left < 60)) && pass "$3" && return
  fail "$3"
  diag "$left s off"
}
# refused CODE TEXT DESCRIPTION COMMAND...
refused() {
  local code=$1 text=$2 description=$3
  shift 3
  exits "$code" "$description: exit code $code" "$@" && like "$OUTPUT" "$text" "$description: says so"
}
flags() { lsattr -d "$1" | cut -d' ' -f1 | tr -d -; }
DAY=86400
GOVERNED='{"mode": "GOVERNANCE", "for_s": 3600}'
COMPLIED='{"mode": "COMPLIANCE", "for_s": 3600}'
HELD='{"hold": true}'

note "mistakes on the command line"
put_object f
refused 2 'one of --until' "neither --until nor --for" "$COFFER" lock s3://b/f
refused 2 'one of --until' "both" "$COFFER" lock s3://b/f --for 30d --until 2030-01-01
refused 2 "is no duration.*not '30'" "a number without unit" "$COFFER" lock s3://b/f --for 30
refused 2 'is no date' "no date" "$COFFER" lock s3://b/f --until tomorrow
refused 2 'governance or compliance' "no mode" "$COFFER" lock s3://b/f --for 1d --mode strict
refused 2 'is 2555 days, longer than --lock-max' "a typo of years" "$COFFER" lock s3://b/f --for 7y
refused 2 'longer than --lock-max' "a date too far" "$COFFER" lock s3://b/f --until 2300-01-01
refused 2 'is past' "a date that is past" "$COFFER" lock s3://b/f --until 2001-01-01
refused 2 'neither on nor off' "hold without on or off" "$COFFER" hold s3://b/f s3://b/g
refused 2 'bypass-governance-retention' "unlock without saying what it takes" "$COFFER" unlock s3://b/f
refused 2 'command line' "nor by a variable" env COFFER_BYPASS_GOVERNANCE_RETENTION=true "$COFFER" unlock s3://b/f
refused 2 'command line' "nor is a yes" env COFFER_YES=true "$COFFER" lock s3://b/f --for 1d --mode compliance
refused 2 'go together' "--extend alone" "$COFFER" lock 's3://b/**' --extend 30d
refused 2 'longer than --extend' "--if-less-than longer than --extend" "$COFFER" lock 's3://b/**' --extend 1d --if-less-than 2d
refused 2 'braces' "a pattern with braces" "$COFFER" lock 's3://b/{a,b}' --extend 2d --if-less-than 1d
refused 2 "'s3://b/\\*\\*' is no|no such file|GLOB=MODE" "--require without a term" "$COFFER" lock --report s3://b --require 'data/**'
refused 2 'only look' "--report with a lock" "$COFFER" lock --report s3://b --for 1d
refused 2 'same as --mode' "two names for one thing" "$COFFER" lock s3://b/f --for 1d --mode governance --object-lock-mode GOVERNANCE
refused 2 'not in a mount' "a file that is no mount's" "$COFFER" lock "$WORK" --for 1d
refused 1 'no such file' "a missing object" "$COFFER" lock s3://b/missing --for 1d
refused 1 'no Object Lock' "a bucket without" "$COFFER" lock s3://plain/f --for 1d
refused 2 'add -r' "a directory without -r" "$COFFER" lock s3://b/dir/ --for 1d
is "$(lock_of f)" " false" "none of that locked anything"

note "one file by its address"
server_forget
exits 0 "lock --for" "$COFFER" lock s3://b/f --for 30d --mode governance
like "$OUTPUT" 'locked 1 file, 12 B: its current version, [^ ]+, has GOVERNANCE until 20' "says which version, and until when"
note "$(requests_made)"
is "$(requests_of PutObjectRetention) $(requests_of PutObject)" "1 0" "by one request"
is "$(server_requests '[.[] | select(.operation == "HeadObject" or .operation == "PutObjectRetention") | .operation] | join(" ")')" \
  "HeadObject PutObjectRetention HeadObject" "looked at, locked, read back"
is "$(lock_of f)" "GOVERNANCE false" "in that mode"
ends_in f $((30 * DAY)) "for 30 days"
server_forget
exits 0 "the same date again" "$COFFER" lock s3://b/f --until "$(date -u -d "@$(until_of f)" +%FT%TZ)"
like "$OUTPUT" 'locked 0 files.*1 needed nothing' "needs nothing"
is "$(requests_of PutObjectRetention)" 0 "and sends nothing"
refused 1 'not permitted.*extended, never shortened' "shorter" "$COFFER" lock s3://b/f --for 29d
ok "longer" "$COFFER" lock s3://b/f --for 31d
ends_in f $((31 * DAY)) "is extended"
put_object g && put_object mode
ok "without a mode" "$COFFER" lock s3://b/mode --for 1d
is "$(lock_of mode)" "GOVERNANCE false" "it is governance"
ok "the AWS CLI's names" "$COFFER" lock s3://b/g --object-lock-mode GOVERNANCE \
  --object-lock-retain-until-date "$(date -u -d '+2 days' +%FT%TZ)" --object-lock-legal-hold-status ON
is "$(lock_of g)" "GOVERNANCE true" "set retention and hold"
ends_in g $((2 * DAY)) "until then"

note "compliance"
put_object c/1 && put_object c/2
refused 2 'would put 2 files, 28 B, under compliance until 20.*Nobody can undo this.*--yes' "compliance when nobody can be asked" \
  "$COFFER" lock -r s3://b/c --for 1d --mode compliance
is "$(lock_of c/1)$(lock_of c/2)" " false false" "locks nothing"
# on_terminal ANSWER COMMAND...
on_terminal() { script -qec "${*@Q}" /dev/null; }
OUTPUT=$(on_terminal "$COFFER" lock -r s3://b/c --for 1d --mode compliance <<<"n" 2>&1)
like "$OUTPUT" 'Put 2 files, 28 B, under compliance until .*Nobody can undo this' "on a terminal it asks, with count, bytes and date"
is "$(lock_of c/1)" " false" "no is no"
OUTPUT=$(on_terminal "$COFFER" lock -r s3://b/c --for 1d --mode compliance <<<"y" 2>&1)
is "$(lock_of c/1)$(lock_of c/2)" "COMPLIANCE falseCOMPLIANCE false" "yes is yes"
refused 2 'under compliance' "extending compliance is compliance, whether it is named or not" "$COFFER" lock s3://b/c/1 --for 2d
ok "--yes" "$COFFER" lock s3://b/c/1 --for 2d --yes
is "$(lock_of c/1)" "COMPLIANCE false" "keeps the mode"
ends_in c/1 $((2 * DAY)) "and extends"
refused 1 'does not become governance' "compliance to governance" "$COFFER" lock s3://b/c/1 --for 3d --mode governance

note "holds and unlock"
put_object h/1 && put_object h/2
ok "hold on, recursive" "$COFFER" hold on -r s3://b/h
is "$(lock_of h/1)$(lock_of h/2)" " true true" "both are held"
exits 0 "hold on again" "$COFFER" hold on -r s3://b/h
like "$OUTPUT" 'held 0 files.*2 needed nothing' "changes nothing"
refused 1 'legal hold.*nothing bypasses' "unlock under a hold" "$COFFER" unlock s3://b/h/1 --bypass-governance-retention
ok "hold off, by who has no say in retention" as LEGAL "$COFFER" hold off s3://b/h/1 s3://b/h/2
is "$(lock_of h/1)$(lock_of h/2)" " false false" "is off"
lock_object h/1 "$GOVERNED" && lock_object h/2 "$COMPLIED"
refused 5 'not unlocked.*(AccessDenied|denied)' "unlock without the right" as NOBYPASS "$COFFER" unlock s3://b/h/1 --bypass-governance-retention
server_forget
exits 3 "unlock of both" "$COFFER" unlock s3://b/h/1 s3://b/h/2 --bypass-governance-retention
like "$OUTPUT" 'h/2: COMPLIANCE until .*nobody can end' "compliance stays, and is told"
is "$(lock_of h/1) $(lock_of h/2)" " false COMPLIANCE false" "governance is off"
is "$(server_requests '[.[] | select(.lock | keys | any(test("bypass"))) | .key] | join(" ")')" "h/1" "and only for it the bypass was sent"

note "many, and what cannot be done"
for name in a1 a2 b1; do put_object "part/$name"; done
put_object "part/sub/" && put_object "part/sub/x"
lock_object part/a2 '{"mode": "GOVERNANCE", "for_s": 9999999}'
OUTPUT=$("$COFFER" lock -r -n s3://b/part --for 1d 2>&1)
is "$?" 3 "--dry-run says what would be missed"
like "$OUTPUT" 'would lock part/a1 \(version .*\): GOVERNANCE until' "--dry-run names files"
is "$(lock_of part/a1)" " false" "and changes nothing"
exits 3 "recursive, with what may not be set and what would be shortened" as PARTLY "$COFFER" lock -r s3://b/part --for 1d
like "$OUTPUT" 'part/b1: .*AccessDenied' "names what was denied"
like "$OUTPUT" 'part/a2: .*never shortened' "names what would be shortened"
like "$OUTPUT" 'locked 2 files, .*the current version of each, until .*; 2 could not be' "sums up"
is "$(lock_of part/a1) $(lock_of part/sub/x) $(lock_of part/b1) $(lock_of part/sub/)" "GOVERNANCE false GOVERNANCE false  false  false" \
  "did the others, and no directory marker"
is "$(as PARTLY "$COFFER" lock -r --json s3://b/part --for 2d 2>/dev/null | jq -c '[.changed, .already, .failed_count, .complete, (.failed | map(.file) | sort)]')" \
  '[2,0,2,true,["part/a2","part/b1"]]' "--json"
refused 5 'locks cannot be seen.*s3:GetObjectRetention' "who cannot see locks sets none" as BLIND "$COFFER" lock s3://b/part/b1 --for 1d
refused 5 'AccessDenied' "who may not set them" as UNABLE "$COFFER" hold on s3://b/part/b1
is "$(lock_of part/b1)" " false" "neither locked anything"
refused 1 'there is no file in it' "an empty directory" "$COFFER" lock -r s3://b/nothing/ --for 1d

note "a server that says yes and does nothing"
put_object dropped
server_control POST faults '{"rules": [{"match": {"operation": "PutObjectRetention"}, "do": {"status": 200}}]}' >/dev/null
refused 1 'may not be locked' "is found out" "$COFFER" lock s3://b/dropped --for 1d
server_control POST faults '[]' >/dev/null

note "told to end"
for name in 1 2 3; do put_object "end/$name"; done
server_control POST faults '{"rules": [{"match": {"operation": "PutObjectRetention", "key_glob": "end/2"}, "do": {"hold": "lock"}}]}' >/dev/null
server_forget
"$COFFER" lock -r s3://b/end --for 1d --mode governance >"$WORK/end" 2>&1 &
LOCKER=$!
is_waiting() { (($(requests_of PutObjectRetention) >= 2)) && [[ $(lock_of end/3) == GOVERNANCE* ]]; }
within 20 is_waiting || fail "two are locked, one is on its way"
kill -TERM $LOCKER
wait $LOCKER
is $? 3 "SIGTERM: exit code 3"
like "$(<"$WORK/end")" 'stopped before the end.*locked 2 files' "says that it is not the end, and what was done"
server_control POST release '{"name": "lock"}' >/dev/null
server_control POST faults '[]' >/dev/null

note "a network that goes away"
server_control POST buckets/b/fill '{"count": 400, "prefix": "away/", "size": 1}' >/dev/null
server_control POST faults '{"rules": [{"match": {"operation": "PutObjectRetention"}, "do": {"reset": "before_headers"}},
  {"match": {"operation": "ListObjectsV2", "after": 3}, "do": {"reset": "before_headers"}}]}' >/dev/null
OUTPUT=$("$COFFER" lock -r --json s3://b/away --for 1d --mode governance --deadline 1 --max-threads 8 2>"$WORK/away")
isnt $? 0 "is a failure"
like "$(<"$WORK/away")" 'stopped before the end: .*cannot be reached any more' "ends the command"
at_most "$(jq .failed_count <<<"$OUTPUT")" 64 "instead of waiting for every file"
server_control POST faults '[]' >/dev/null

note "extending by pattern"
for name in data/aa/1 data/aa/2 data/bb/3 data/never locks/l config; do put_object "repo/$name"; done
for name in data/aa/1 data/aa/2 data/bb/3 config; do lock_object "repo/$name" '{"mode": "GOVERNANCE", "for_s": 864000}'; done
lock_object repo/data/aa/2 '{"mode": "GOVERNANCE", "for_s": 2592000}'
exits 3 "files that never were locked are missed" "$COFFER" lock 's3://b/repo/data/**' --extend 30d --if-less-than 25d
like "$OUTPUT" 'not extended: repo/data/never: it was never locked' "and named"
like "$OUTPUT" 'extended 2 files.*1 needed nothing; 1 could not be' "the others are extended"
ends_in repo/data/bb/3 $((30 * DAY)) "across directories"
is "$(lock_of repo/locks/l) $(lock_of repo/data/never)" " false  false" "nothing else"
ends_in repo/config $((10 * DAY)) "not what the pattern does not match"
ok "with --mode these are locked, too" "$COFFER" lock 's3://b/repo/data/**' --extend 30d --if-less-than 25d --mode governance
server_forget
exits 0 "and again" "$COFFER" lock 's3://b/repo/data/**' --extend 30d --if-less-than 25d --yes
is "$(requests_of PutObjectRetention) $(requests_of HeadObject)" "0 4" "is idempotent: it only looks, with --yes once"
server_control POST clock "{\"offset_s\": $((40 * DAY))}" >/dev/null
ok "when all have ended, by the server's clock, they are locked again" "$COFFER" lock 's3://b/repo/data/**' --extend 30d --if-less-than 25d
server_control POST clock '{"offset_s": 0}' >/dev/null
ends_in repo/data/aa/1 $((70 * DAY)) "by the server's time, not this machine's"
refused 3 'no file matches' "a pattern that matches nothing" "$COFFER" lock 's3://b/repo/dta/**' --extend 30d --if-less-than 25d
lock_object repo/data/aa/1 "$COMPLIED"
refused 2 '1 file.*under compliance' "compliance among them is asked for" "$COFFER" lock 's3://b/repo/data/**' --extend 80d --if-less-than 75d

note "the example of a timer"
for name in data/aa/1 keys/k index/i snapshots/s config; do
  put_object "restic/$name" && lock_object "restic/$name" '{"mode": "GOVERNANCE", "for_s": 864000}'
done
put_object restic/locks/l
done_calls=0
# shellcheck disable=SC2016  # systemd's variable
while read -r line; do
  line=${line//'${COFFER_SOURCE}'/s3://b/restic}
  read -ra words <<<"${line/#\/usr\/local\/bin\/coffer/$COFFER}"
  ok "${words[*]:1}" "${words[@]}"
  ((++done_calls))
done < <(sed -n 's/^ExecStart=//p' examples/extend-locks/coffer-extend-locks.service)
is $done_calls 5 "the service's calls"
exits 0 "have extended a repository" "$COFFER" lock --report s3://b/restic --require 'data/**=governance:29d' \
  --require 'keys/*=governance:29d' --require 'index/*=governance:29d' --require 'snapshots/*=governance:29d' --require 'config=governance:29d'
is "$(lock_of restic/locks/l)" " false" "but for restic's own locks"

note "reports"
put_object 'rep/free, "quoted"' 2>/dev/null || server_control POST buckets/b/put '{"key": "rep/free, \"quoted\"", "body": "x"}' >/dev/null
put_object rep/data/g && put_object rep/data/c && put_object rep/data/h
lock_object rep/data/g "$GOVERNED" && lock_object rep/data/c "$COMPLIED" && lock_object rep/data/h "$HELD"
server_forget
exits 0 "--report" "$COFFER" lock --report s3://b/rep/
like "$OUTPUT" 'rep/data/c: COMPLIANCE until' "names files"
like "$OUTPUT" 'looked at 4 files: 1 compliance, 1 governance, 1 legal hold alone, 1 not locked' "and sums up"
is "$(requests_of HeadObject)" 4 "by a HEAD for each"
"$COFFER" lock --report s3://b/rep --csv 2>/dev/null >"$WORK/csv"
is "$(python3 -c 'import csv,sys
for r in csv.DictReader(open(sys.argv[1])): print(r["key"], r["locked"], r["mode"], r["legal_hold"])' "$WORK/csv")" \
  $'rep/data/c yes COMPLIANCE no\nrep/data/g yes GOVERNANCE no\nrep/data/h yes  yes\nrep/free, "quoted" no  no' "--csv is a table, and nothing else"
is "$("$COFFER" lock --report s3://b/rep --json | jq -c '[.complete, .counts.compliance, (.files | map(.key) | length)]')" '[true,1,4]' "--json"
exits 0 "--require that is met" "$COFFER" lock --report s3://b/rep --require 'data/[cg]=governance:30m' --require 'data/c=compliance:30m'
refused 4 'rep/data/g: .*less than data/\[cg\]=compliance:30m' "--require names what has another mode" \
  "$COFFER" lock --report s3://b/rep --require 'data/[cg]=compliance:30m'
unlike "$OUTPUT" 'rep/data/c:' "and only that"
refused 4 'rep/data/c: .*less than' "or too little left" "$COFFER" lock --report s3://b/rep --require 'data/c=compliance:2h'
refused 4 'rep/data/h: .*less than' "a legal hold is no retention" "$COFFER" lock --report s3://b/rep --require 'data/h=governance:1m'
refused 4 'no file is matched by dta' "a pattern that matches nothing is not met" "$COFFER" lock --report s3://b/rep --require 'dta/**=governance:1m'
is "$("$COFFER" lock --report s3://b/rep --json --require 'data/**=compliance:30m' | jq -c '[.exit_code, .unmet, (.files | map(select(.unmet != []) | .key))]')" \
  '[4,2,["rep/data/g","rep/data/h"]]' "--json says which"
refused 5 'cannot be seen' "who cannot see locks reports none" as BLIND "$COFFER" lock --report s3://b/rep

note "paths of a mount"
ok "mount" mount_coffer s3://b "$M"
mkdir "$M/d" && echo one >"$M/d/one" && echo two >"$M/d/two"
is "$(flags "$M/d/one")" "" "free"
exits 0 "lock by path" "$COFFER" lock "$M/d/one" --for 30d
like "$OUTPUT" "locked 1 file, 4 B: its current version" "says so"
is "$(lock_of d/one)" "GOVERNANCE false" "is locked"
is "$(flags "$M/d/one") $(stat -c %a "$M/d/one")" "i 444" "and the mount shows it at once"
nok "and refuses to remove it" rm -f "$M/d/one"
cp "$M/d/two" "$M/d/three" && chmod 600 "$M/d/three"
ok "a change that waits is in the version that is locked" "$COFFER" lock "$M/d/three" --for 1d
is "$(server_control POST buckets/b/get '{"key": "d/three"}' | jq -c '[.versions, .lock.mode]')" '[2,"GOVERNANCE"]' "and none comes after it"
sleep 1.5
is "$(counters "$M" '.files.deferred_attribute_failures // .deferred_attribute_failures // 0')" 0 "nothing failed later"
# shellcheck disable=SC2016  # for another shell
exits 3 "a missing file and a directory among others" bash -c 'cd "$1/d" && "$2" lock two missing ../d --for 1d' - "$M" "$COFFER"
like "$OUTPUT" 'not locked: missing: no such file' "missing is told"
like "$OUTPUT" 'not locked: ../d: a directory; add -r' "so is the directory"
is "$(lock_of d/two)" "GOVERNANCE false" "the other is locked"
ok "hold on a whole directory of the mount" "$COFFER" hold on -r "$M/d"
is "$(lock_of d/one)" "GOVERNANCE true" "all of it"
ok "hold off" "$COFFER" hold off -r "$M/d"
ok "a pattern below a mount" "$COFFER" lock "$M/d/t*" --extend 30d --if-less-than 25d
ends_in d/two $((30 * DAY)) "extends what it matches"
refused 3 "a directory; the pattern for all below is 'DIR/\*\*'" "a directory is no pattern" \
  "$COFFER" lock "$M/d" --extend 30d --if-less-than 25d
echo odd >"$M/d/[odd]*"
ok "a name that looks like a pattern, as it stands" "$COFFER" lock "$M/d/[odd]*" --extend 30d --if-less-than 25d --mode governance
is "$(lock_of 'd/[odd]*') $(lock_of d/one)" "GOVERNANCE false GOVERNANCE false" "is a name"
is "$("$COFFER" lock --report "$M/d" --json --require 'd/**=governance:20d' | jq -c '[.exit_code, .unmet]')" '[0,0]' \
  "a report of a directory; patterns begin at the volume's root"
ok "unlock by path" "$COFFER" unlock "$M/d/one" --bypass-governance-retention
is "$(flags "$M/d/one")" "" "shows at once"
ok "and can be removed" rm "$M/d/one"
ok "umount" umount_coffer "$M"

note "another user's mount"
if ((EUID == 0)) && command -v setpriv >/dev/null; then
  OPEN=$(mktemp -d "${TMPDIR:-/tmp}/coffer-open.XXXXXX") && mkdir "$OPEN/m" "$OPEN/state" && chmod 755 "$OPEN" && chown 1234 "$OPEN/state"
  another() {
    env -i PATH="$PATH" HOME="$OPEN/state" AWS_REGION="$AWS_REGION" AWS_ACCESS_KEY_ID="$1" AWS_SECRET_ACCESS_KEY="$2" \
      setpriv --reuid 1234 --regid 1234 --clear-groups "$COFFER" "${@:3}"
  }
  mount_coffer s3://b/other "$OPEN/m" --allow-other && echo x >"$OPEN/m/f" && mkdir "$OPEN/m/d" && echo y >"$OPEN/m/d/g"
  ok "lock, as another user, with his credentials" \
    another "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" lock -r "$OPEN/m/f" "$OPEN/m/d" --for 1d
  is "$(lock_of other/f) $(lock_of other/d/g)" "GOVERNANCE false GOVERNANCE false" "is done"
  exits 5 "with credentials that may not" another UNABLE secret hold on "$OPEN/m/f"
  ok "umount" umount_coffer "$OPEN/m"
  mount_coffer s3://b/other "$OPEN/m"
  refused 2 'Permission denied' "a mount that lets nobody else in" \
    another "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" lock "$OPEN/m/f" --for 2d
  ok "umount" umount_coffer "$OPEN/m"
  rm -r "${OPEN:?}"
else
  skip "another user's mount: takes root and setpriv"
fi

note "a sealed volume, without its key"
head -c 32 /dev/urandom >"$WORK/key" && chmod 600 "$WORK/key"
"$COFFER" init s3://b/vault --key-file "$WORK/key" >/dev/null 2>&1 || fail "init"
mount_coffer s3://b/vault "$M" --key-file "$WORK/key" --sealed=yes
echo secret >"$M/f" && mkdir "$M/d" && echo deep >"$M/d/g"
ok "lock by path" "$COFFER" lock "$M/f" --for 1d
is "$(lock_of vault/f) $(flags "$M/f") $(cat "$M/f")" "GOVERNANCE false i secret" "is locked, shown, and read"
ok "lock by address, all of it" "$COFFER" lock -r s3://b/vault --for 2d
is "$(lock_of vault/d/g) $(lock_of vault/.coffer/volume) $(lock_of vault/d/)" "GOVERNANCE false GOVERNANCE false  false" \
  "the descriptor too, no directory"
ok "umount" umount_coffer "$M"

note "doctor"
like "$("$COFFER" doctor s3://b 2>&1)" 'not tested +PutObjectRetention +only a lock that is set would tell.*not tested +PutObjectLegalHold' \
  "says that it cannot find out whether locks may be set"
unlike "$("$COFFER" doctor s3://plain 2>&1)" PutObjectRetention "nor need it where there is no Object Lock"

note "the bypass"
server_forget
is "$(sort -u "$WORK/bypassed")" "PutObjectRetention" "in all of that governance was passed by"
is "$(wc -l <"$WORK/bypassed")" 3 "the three calls of unlock that may be, and by no other"
done_testing
