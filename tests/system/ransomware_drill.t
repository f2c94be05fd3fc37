#!/usr/bin/env bash
# The ransomware drill of examples/: it passes where locks hold, whatever is tried on the mount and with its credentials,
# and it fails where they do not: with credentials that may bypass governance, and on a mount that lets changes through.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3 restic openssl chattr setfattr

start_server --lock-enabled --bucket b --user DRILL:secret:deny=BypassGovernanceRetention
export TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
export PATH=$B:$PATH
drill() { # NAME KEY SECRET [LOCK]: at the end $WORK/NAME has what it said, and last its exit code
  local name=$1 key=$2 secret=$3
  shift 3
  AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret examples/ransomware-drill/drill.sh "s3://b/$name" "$@" >"$WORK/$name" 2>&1
  echo "exit code $?" >>"$WORK/$name"
}
ROOT=(COFFERTESTACCESSKEY1 coffer/test+secret/key/number/one/40char)
# ends NAME CODE
ends() { is "$(tail -n 1 "$WORK/$1")" "exit code $2" "$1: exit code $2" || diag "$(<"$WORK/$1")"; }
# says NAME LINE RESULT: of one thing that was expected
says() { is "$(sed -n "s/^$2.* //p" "$WORK/$1" | sort -u)" "$3" "$1: $2: $3"; }
# asked NAME FILTER: how many raw requests for keys of that drill fit the jq filter
asked() { server_requests "[.[] | select(.key // \"\" | startswith(\"$1/\")) | select($2)] | length"; }
versions_of_descriptor() { # NAME: "VERSIONS MARKERS"
  local list
  list=$(s3 GET "/b?prefix=$1%2F&versions=" | tr -d '\n' | sed 's/<Version>/\n<Version>/g; s/<DeleteMarker>/\n<DeleteMarker>/g' |
    grep -F '.coffer/volume<')
  echo "$(grep -c '^<Version>' <<<"$list") $(grep -c '^<DeleteMarker>.*<IsLatest>true' <<<"$list")"
}

drill governance DRILL secret &
PIDS=($!)
drill compliance "${ROOT[@]}" compliance:1h &
PIDS+=($!)
wait "${PIDS[@]}"
drill bypass "${ROOT[@]}" &
PIDS=($!)
COFFER_LOCKED=versioned drill versioned DRILL secret
wait "${PIDS[@]}"

use_endpoint "$SERVER_URL" "${ROOT[@]}"
for name in governance compliance; do
  note "$name"
  ends $name 0
  like "$(<"$WORK/$name")" 'All that was locked has survived' "$name: says so"
  is "$(grep -c ' NO$' "$WORK/$name")" 0 "$name: nothing else"
  at_least "$(sed -n 's/ attempts on.*//p' "$WORK/$name")" 150 "$name: attempts on the mount"
  # what the server saw, whatever the drill says
  DESCRIPTOR='(.key | endswith("/.coffer/volume"))'
  at_least "$(asked $name '.operation == "DeleteObject" and (.query | tostring | test("versionId")) and .status == 403')" 36 \
    "$name: versions that could not be deleted"
  is "$(asked $name "$DESCRIPTOR and .operation == \"DeleteObject\" and .status == 403")" 2 "$name: one is the descriptor, with and without bypass"
  at_least "$(asked $name '.operation == "PutObjectRetention" and .status == 403')" 36 "$name: locks that could not be shortened"
  is "$(versions_of_descriptor $name)" "2 1" "$name: the descriptor lies below what was written over it, and below a marker"
done

note "credentials that may bypass governance"
ends bypass 1
like "$(<"$WORK/bypass")" 'take s3:BypassGovernanceRetention from them, or lock by compliance' "says what to do"
says bypass 'not one of them succeeded' yes
says bypass 'all [0-9]* locked versions are there' NO
says bypass 'the volume can be mounted as it was' NO

note "a mount that lets changes through, as new versions"
ends versioned 1
says versioned 'not one of them succeeded' NO
like "$(<"$WORK/versioned")" $'On the mount this went through:\ncat' "names what went through"
says versioned 'all [0-9]* locked versions are there' yes
says versioned 'what was restored is what was backed up' yes

is "$(find "$WORK/tmp" -mindepth 1)" "" "nothing is left on this machine"
done_testing
