#!/usr/bin/env bash
# examples/teams: two teams, two access points, the bucket closed; each works on a mount of its own, plain and sealed,
# sees nothing of the other and cannot go round by the bucket's name; who administers the bucket still can.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq openssl

REGION=us-east-1
ACCOUNT=123456789012
ADMIN=arn:aws:iam::$ACCOUNT:user/coffertestaccesskey1
make_certificate "*.s3-accesspoint.$REGION.amazonaws.com" "*.s3-control.$REGION.amazonaws.com" "*.s3.$REGION.amazonaws.com" \
  "sts.$REGION.amazonaws.com" >/dev/null || bail "no certificate"
start_server --tls "$WORK/tls/server.crt" "$WORK/tls/server.key" --bucket shared
server_control POST tls '{"version": "1.3"}' >/dev/null
for key in ANN BOB; do server_control POST users "{\"access_key\": \"$key\", \"secret\": \"secret\", \"allow\": []}" >/dev/null; done
unset AWS_ENDPOINT_URL
export AWS_ENDPOINT_URL_STS=https://sts.$REGION.amazonaws.com
export COFFER_CONNECT_TO=":443:127.0.0.1:$SERVER_PORT" COFFER_CA_BUNDLE=$WORK/tls/ca.pem PATH=$B:$PATH
ARN=arn:aws:s3:$REGION:$ACCOUNT:accesspoint
OUR_KEY=$AWS_ACCESS_KEY_ID OUR_SECRET=$AWS_SECRET_ACCESS_KEY
as() { # KEY COMMAND...
  local key=$1
  shift
  AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=secret "$@"
}
teams() { examples/teams/teams.sh shared "$ADMIN" "red=arn:aws:iam::$ACCOUNT:user/ann" "blue=arn:aws:iam::$ACCOUNT:user/bob"; }
sids() { s3 GET '/shared?policy=' | jq -r '[.Statement[].Sid] | sort | join(" ")'; }

unset YES # which CI sets
nok "with nobody to ask it stops at the first step" teams
is "$(server_control GET access-points | jq length)" 0 "and nothing is made"
export YES=1
exits 0 "the bucket is set up" teams
is "$(grep -c '^ok: ' <<<"$OUTPUT") $(grep -c '^NOT AS' <<<"$OUTPUT")" "6 0" "and what it checks holds" || diag "$OUTPUT"
like "$OUTPUT" "mount: coffer mount s3://$ARN/red/red DIR" "the mount lines are printed"
is "$(sids)" "CofferDelegate CofferOnlyAccessPoints CofferTls CofferTlsVersion" "the bucket's policy has the rules"
server_forget
exits 0 "a second time" teams
is "$(server_requests '[.[] | select(.method != "GET" and .operation != "GetCallerIdentity") | .operation] | join(" ")')" "" "nothing is left to change"

note "team red on its mount"
mkdir "$WORK/red" "$WORK/blue" "$WORK/sealed"
as ANN mount_coffer "s3://$ARN/red/red" "$WORK/red" --state-dir "$WORK/state.red" || bail "red: no mount"
ok "writes" cp /etc/services "$WORK/red/file"
ok "reads" cmp /etc/services "$WORK/red/file"
ok "renames" mv "$WORK/red/file" "$WORK/red/moved"
ok "makes directories" mkdir "$WORK/red/d"
ok "appends" sh -c "echo more >>'$WORK/red/moved'"
ok "writes what takes parts" dd if=/dev/urandom of="$WORK/red/d/large" bs=1M count=20 status=none
is "$(ls "$WORK/red")" $'d\nmoved' "lists"
ok "removes" rm -r "$WORK/red/d"
is "$(keys_of shared)" "red/moved" "all of it below its prefix"
exits 0 "delete is taken away" env AWS_ACCESS_KEY_ID="$OUR_KEY" AWS_SECRET_ACCESS_KEY="$OUR_SECRET" \
  "$COFFER" access-point revoke red --principal "arn:aws:iam::$ACCOUNT:user/ann" --allow delete --prefix red --yes
touch "$WORK/red/x" "$WORK/red/y"
server_forget
for name in x y; do
  exits 1 "rm $name" rm "$WORK/red/$name"
  like "$OUTPUT" 'Permission denied' "is refused"
done
is "$(requests_of DeleteObject)" 1 "and asked for once"
is "$(grep -rh 'is denied through this access point' "$WORK/log" | grep -c 'deleting (s3:DeleteObject)')" 1 "which is said once"
is "$(grep -rh 'is denied through this access point' "$WORK/log" | wc -l)" 1 "and nothing else is"
exits 0 "and given again" env AWS_ACCESS_KEY_ID="$OUR_KEY" AWS_SECRET_ACCESS_KEY="$OUR_SECRET" \
  "$COFFER" access-point grant red --principal "arn:aws:iam::$ACCOUNT:user/ann" --allow delete --prefix red --yes
mkdir "$WORK/red/e" && touch "$WORK/red/e/z"
ok "what was not refused is asked for at once" rm "$WORK/red/e/z"
ok "leaves" umount_coffer "$WORK/red"

note "the same, sealed"
(umask 077 && head -c 32 /dev/urandom >"$WORK/key")
ok "init" as ANN "$COFFER" init "s3://$ARN/red/red/vault" --key-file "$WORK/key" --no-recovery-key
as ANN mount_coffer "s3://$ARN/red/red/vault" "$WORK/sealed" --key-file "$WORK/key" --sealed=yes --state-dir "$WORK/state.sealed" || bail "sealed: no mount"
ok "writes" cp /etc/services "$WORK/sealed/secret"
ok "reads" cmp /etc/services "$WORK/sealed/secret"
ok "leaves" umount_coffer "$WORK/sealed"
nok "what is stored is not what was written" grep -q . <(stored shared red/vault/secret | grep -aF ssh)

note "what red cannot"
as BOB mount_coffer "s3://$ARN/blue/blue" "$WORK/blue" --state-dir "$WORK/state.blue" || bail "blue: no mount"
echo private >"$WORK/blue/file"
is "$(cat "$WORK/blue/file")" private "blue works, too"
# denied WHAT SOURCE: red cannot mount it, and is told that it is denied
denied() {
  exits 5 "$1: no mount" as ANN "$COFFER" mount "$2" "$WORK/red" --state-dir "$WORK/state.denied"
  like "$OUTPUT" 'AccessDenied' "$1: and the reason"
}
denied "blue's prefix through red's access point" "s3://$ARN/red/blue"
denied "blue's access point" "s3://$ARN/blue/blue"
denied "the whole of its own access point" "$ARN/red"
denied "round by the bucket's name" s3://shared/red
ok "blue leaves" umount_coffer "$WORK/blue"

note "who administers the bucket"
AWS_ACCESS_KEY_ID=$OUR_KEY AWS_SECRET_ACCESS_KEY=$OUR_SECRET
mount_coffer s3://shared "$WORK/red" --state-dir "$WORK/state.admin" || bail "admin: no mount"
is "$(ls "$WORK/red")" $'blue\nred' "sees both"
is "$(cat "$WORK/red/blue/file")" private "and reads both"
ok "leaves" umount_coffer "$WORK/red"

note "what an access point's policy withholds is said at mount to whom S3 tells the policy"
through() { # SOURCE: mounted through, what was asked, what was said
  server_forget
  mount_coffer "$1" "$WORK/red" --state-dir "$WORK/state.through" || bail "$1: no mount"
  is "$(requests_of GetAccessPointPolicy)" 1 "$1: one question"
}
said() { sed -n "s/.* info the access point's policy //p" "$WORK"/log/red/*.log; }
forget_log() { rm -rf "$WORK/log/red"; }
forget_log
through "s3://$ARN/red/red"
is "$(said)" "" "its team has all rights below its prefix"
ok "leaves" umount_coffer "$WORK/red"
"$COFFER" access-point policy red --json | jq --arg arn "$ARN/red" '.policy.Statement += [{Sid: "Keep", Effect: "Deny",
  Principal: "*", Action: "s3:DeleteObject", Resource: ($arn + "/object/*")}] | .policy' >"$WORK/policy" 2>"$WORK/errors" || diag "$(<"$WORK/errors")"
exits 0 "deleting is denied to everybody" "$COFFER" access-point policy red --set "$WORK/policy" --yes
forget_log
through "s3://$ARN/red/red"
like "$(said)" '^denies deleting below red/ to everybody \(Keep\)' "that is said"
exits 1 "rm" rm "$WORK/red/moved"
like "$OUTPUT" 'Permission denied' "is refused"
is "$(requests_of DeleteObject)" 1 "by S3"
is "$(grep -c 'deleting (s3:DeleteObject) is denied' "$WORK"/log/red/*.log)" 0 "and not said again"
ok "leaves" umount_coffer "$WORK/red"

note "an S3 Control that never answers holds up nothing"
python3 -c 'import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(8)
print(s.getsockname()[1], flush=True)
time.sleep(600)' >"$WORK/silent" &
within 10 test -s "$WORK/silent"
mount_coffer "s3://$ARN/red/red" "$WORK/red" --state-dir "$WORK/state.silent" \
  --control-endpoint-url "http://127.0.0.1:$(<"$WORK/silent")" || bail "silent: no mount"
ok "it is unmounted while the question is open" timeout 10 "$COFFER" umount "$WORK/red"

note "a team goes"
exits 0 "revoke" "$COFFER" access-point revoke red --principal "arn:aws:iam::$ACCOUNT:user/ann" --yes
denied "its own prefix" "s3://$ARN/red/red"
exits 0 "delete" "$COFFER" access-point delete red --yes
is "$(keys_of shared red/ | grep -cx red/moved)" 1 "its files stay"
is "$(server_control GET counters | jq .crashes)" 0 "the stand-in had no trouble"
done_testing
