#!/usr/bin/env bash
# A person's mistakes, each with the message and the exit code that answer it: short, and with what to do.
. "${0%/*}/../lib/tap.sh"
need_fuse
need_commands jq faketime unshare runuser

SECRET=a-secret-of-this-test-alone
start_server --region eu-central-1 --bucket demo --bucket empty --access-point ap=demo \
  --user "NOLIST:$SECRET:deny=ListBucket" --user "NOGET:$SECRET:deny=GetObject" \
  --user "NOPUT:$SECRET:deny=PutObject" --user "NODELETE:$SECRET:deny=DeleteObject"
export AWS_REGION=eu-central-1
s3_put /demo/file.txt content
M=$WORK/m
mkdir "$M"
MOUNT=("$COFFER" mount)
ARN=arn:aws:s3:eu-central-1:123456789012:accesspoint
POINTS=s3-accesspoint.eu-central-1.amazonaws.com

mounted() { grep -qF " $1 fuse.coffer " /proc/mounts; }

# refused CODE PATTERN DESCRIPTION COMMAND...: one line, which fits PATTERN, says why, and nothing is mounted
refused() {
  local code=$1 pattern=$2 description=$3
  shift 3
  exits "$code" "$description: exit code $code" timeout 60 "$@"
  said "$pattern" "$description"
  mounted "$M" && fail "$description: nothing is mounted"
}
PLAIN="coffer: plain volume: bytes are not encrypted by coffer" # what every plain mount says
said() { # PATTERN DESCRIPTION
  OUTPUT=$(grep -vx "$PLAIN" <<<"$OUTPUT")
  like "$OUTPUT" "$1" "$2: the message"
  [[ ${#OUTPUT} -lt 700 && $OUTPUT != *$'\n'* ]] || fail "$2: one line, not too long"
}
# works PATTERN DESCRIPTION COMMAND...: it mounts all the same, and says what was put right
works() {
  local pattern=$1 description=$2
  shift 2
  exits 0 "$description: mounts" timeout 60 "$@"
  OUTPUT=$(grep -vx "$PLAIN" <<<"$OUTPUT")
  like "$OUTPUT" "$pattern" "$description: the note"
  is "$(cat "$M/file.txt" 2>&1)" content "$description: works"
  umount_coffer "$M" >/dev/null
}
# soon SECONDS DESCRIPTION COMMAND...: whatever it does, it has done it by then
soon() {
  local most=$1 description=$2 begin=$SECONDS
  shift 2
  "$@"
  at_most $((SECONDS - begin)) "$most" "$description: seconds"
}

note "credentials"
refused 5 'no credentials: .*set AWS_ACCESS_KEY_ID and .*--no-sign-request' "no credentials" \
  env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY "${MOUNT[@]}" demo "$M"
refused 5 'AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not: set both' "half a pair" \
  env -u AWS_SECRET_ACCESS_KEY "${MOUNT[@]}" demo "$M"
refused 5 'AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not: set both' "the other half" \
  env -u AWS_ACCESS_KEY_ID "${MOUNT[@]}" demo "$M"
refused 5 'SignatureDoesNotMatch \(403\).*request id [0-9A-F]+; check the secret access key' "a wrong secret" \
  env AWS_SECRET_ACCESS_KEY=WrongSecret "${MOUNT[@]}" demo "$M"
unlike "$OUTPUT" WrongSecret "a wrong secret: is not shown"
refused 5 'InvalidAccessKeyId.*the service does not know this access key' "an unknown key" \
  env AWS_ACCESS_KEY_ID=UNKNOWN "${MOUNT[@]}" demo "$M"
server_control POST users "{\"access_key\":\"OLDKEY\",\"secret\":\"$SECRET\",\"token\":\"old-token\",\"expires\":1000}" >/dev/null
OLD=(env AWS_ACCESS_KEY_ID=OLDKEY AWS_SECRET_ACCESS_KEY="$SECRET")
refused 5 'ExpiredToken.*the session has ended: get new credentials' "an expired session" \
  "${OLD[@]}" AWS_SESSION_TOKEN=old-token "${MOUNT[@]}" demo "$M"
refused 5 'InvalidToken.*check AWS_SESSION_TOKEN' "a session's key without its token" "${OLD[@]}" "${MOUNT[@]}" demo "$M"
refused 5 'profile typo' "a profile that does not exist" "${MOUNT[@]}" demo "$M" --profile typo

note "permissions"
refused 5 'ListObjectsV2: AccessDenied \(403\).*s3:ListBucket.*see coffer doctor' "no permission to list" \
  env AWS_ACCESS_KEY_ID=NOLIST AWS_SECRET_ACCESS_KEY="$SECRET" "${MOUNT[@]}" demo "$M"
# denied USER ACTION OPERATION COMMAND: the call fails with EACCES; the log names the request, the code and the id
denied() {
  mkdir -p "$WORK/log/$1"
  exits 0 "no permission for $2: mounts" \
    env AWS_ACCESS_KEY_ID="$1" AWS_SECRET_ACCESS_KEY="$SECRET" "${MOUNT[@]}" demo "$M" -l "$WORK/log/$1"
  exits 1 "no permission for $2: the call fails" bash -c "$4"
  like "$OUTPUT" 'Permission denied' "no permission for $2: EACCES"
  like "$(cat "$WORK/log/$1"/*.log)" "$3.*403.*request id [0-9A-F]+.*these credentials may not do this.*coffer doctor" \
    "no permission for $2: the log says what was tried, the code, the request and what to do"
  umount_coffer "$M" >/dev/null
}
denied NOGET GetObject HeadObject "cat $M/file.txt"
denied NOPUT PutObject PutObject "cp /etc/passwd $M/new"
denied NODELETE DeleteObject DeleteObject "rm $M/file.txt"
is "$(s3 GET /demo/file.txt)" content "and the file is still there"

note "addresses"
refused 1 'NoSuchBucket \(404\).*there is no such bucket: check its name and region' "no such bucket" \
  "${MOUNT[@]}" nosuch "$M"
refused 2 'type s3://demo' "a slash too few" "${MOUNT[@]}" s3:/demo "$M"
refused 2 'not an S3 address; type s3://BUCKET/PREFIX' "another scheme" "${MOUNT[@]}" https://demo.s3.amazonaws.com "$M"
refused 2 'with a prefix, type s3://demo/logs' "a prefix behind a bare name" "${MOUNT[@]}" demo/logs "$M"
works 'demo is in the Region eu-central-1, not us-west-2; --region eu-central-1' "the SDK's Region is another" \
  env AWS_REGION=us-west-2 "${MOUNT[@]}" demo "$M"
refused 2 'demo is in Region eu-central-1, not us-west-2: give --region eu-central-1' "--region is another" \
  "${MOUNT[@]}" demo "$M" --region us-west-2
exits 0 "an empty bucket mounts" "${MOUNT[@]}" empty "$M"
said 'the bucket is empty' "an empty bucket"
umount_coffer "$M" >/dev/null
exits 0 "an empty prefix mounts" "${MOUNT[@]}" s3://demo/lgos "$M"
said 'there is nothing below the prefix lgos/ yet' "an empty prefix"
umount_coffer "$M" >/dev/null

note "an access point's ARN with a typo"
typo() { refused 2 "$2" "$1" env -u AWS_ENDPOINT_URL "${MOUNT[@]}" "$1" "$M"; }
typo arn:aws:s3:eu-central-1:123456789012:accesspont/ap 'not an access point; expected .*:accesspoint/NAME'
typo arn:aws:s3:eu-central-1:12345678901:accesspoint/ap 'account.*12 digits'
typo arn:aws:s3:eu-central-1::accesspoint/ap 'account'
typo arn:aws:s3:eu_central_1:123456789012:accesspoint/ap 'Region'
typo arn:aws:s3::123456789012:accesspoint/ap "needs its Region"
typo arn:aws:s4:eu-central-1:123456789012:accesspoint/ap 'not an ARN of S3 but of s4'
typo arn:aws:s3:eu-central-1:123456789012:accesspoint "the access point's name is missing"
typo arn:aws:s3:eu-central-1:123456789012:accesspoint/Ap_x "letters, digits and '-' only"
typo arn:aws:s3:eu-central-1:123456789012 'not a whole ARN; expected arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME'
typo arn:aws:s3:eu-central-1:123456789012:accesspoint/ap/logs 'type s3://arn:.*/PREFIX'
typo arn:aws:s3:::demo 'demo'
# through IP addresses no access point is found; the message is the command that finds it
refused 2 "use --endpoint-url http://$POINTS --connect-to ap-123456789012.$POINTS:80:127.0.0.1:$SERVER_PORT" \
  "an endpoint without host names" "${MOUNT[@]}" "$ARN/ap" "$M"
read -ra advice <<<"${OUTPUT##*; use }"
works '^$' "what that message advises" "${MOUNT[@]}" "$ARN/ap" "$M" "${advice[@]}"
refused 1 'InvalidAccessPoint.*there is no such access point: check its name, account and Region' "no such access point" \
  "${MOUNT[@]}" "$ARN/app" "$M" --endpoint-url "http://$POINTS" \
  --connect-to "app-123456789012.$POINTS:80:127.0.0.1:$SERVER_PORT"

note "the clock"
# not by the program itself, which waits as long as anybody holds a pipe of its own
FAKETIME_LIBRARY=$(faketime -f +0 printenv LD_PRELOAD)
server_forget
works "this machine's clock is 36[0-9][0-9] s ahead of the server's; .*set the clock" "a clock an hour ahead" \
  env LD_PRELOAD="$FAKETIME_LIBRARY" FAKETIME=+1h FAKETIME_DONT_FAKE_MONOTONIC=1 "${MOUNT[@]}" demo "$M"
is "$(server_requests '[.[] | select(.status == 403)] | length')" 1 "one request was refused for it"
server_control POST clock '{"offset_s": 3600}' >/dev/null
works "this machine's clock is 3[56][0-9][0-9] s behind the server's" "a clock an hour behind" "${MOUNT[@]}" demo "$M"
server_control POST clock '{"offset_s": 0}' >/dev/null

note "a bucket that locks every new object"
server_control POST faults '[{"match": {"operation": "GetObjectLockConfiguration"}, "do": {"status": 200, "body":
  "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>"}}]' >/dev/null
refused 2 'the default retention of this bucket \(GOVERNANCE\).*leave out --strict-excl' "--strict-excl under default retention" \
  "${MOUNT[@]}" demo "$M" --strict-excl
works 'locks every new file \(GOVERNANCE, 1 days\)' "the same bucket without --strict-excl" "${MOUNT[@]}" demo "$M"
works '^$' "--strict-excl --read-only writes nothing" "${MOUNT[@]}" demo "$M" --strict-excl --read-only
server_control POST faults '[]' >/dev/null
works '^$' "--strict-excl elsewhere" "${MOUNT[@]}" demo "$M" --strict-excl

note "the network"
make_certificate localhost demo.localhost >/dev/null 2>&1
soon 20 "nobody listens" refused 1 'onnect.*check the network and --endpoint-url' "nobody listens" \
  "${MOUNT[@]}" demo "$M" --endpoint-url http://127.0.0.1:1
soon 20 "no such host" refused 1 'Could not resolve host: .*check the network, --region and --endpoint-url' "no such host" \
  "${MOUNT[@]}" demo "$M" --deadline 2 --endpoint-url http://no-such-host.invalid
refused 2 'write it as https://127.0.0.1' "an endpoint without a scheme" "${MOUNT[@]}" demo "$M" --endpoint-url 127.0.0.1:80
refused 2 'write it as https://127.0.0.1' "a scheme misspelt" "${MOUNT[@]}" demo "$M" --endpoint-url htps://127.0.0.1:80
python3 -c '
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
def answer(peer):
    peer.recv(1000)
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    peer.close()
while True:
    answer(server.accept()[0])' >"$WORK/plain-port" &
within 20 test -s "$WORK/plain-port" || bail "no plain server"
soon 20 "https to an http port" refused 1 'a server without TLS needs http:// in --endpoint-url' "https to an http port" \
  "${MOUNT[@]}" demo "$M" --deadline 2 --endpoint-url "https://127.0.0.1:$(<"$WORK/plain-port")"
plain_url=$SERVER_URL
start_server --region eu-central-1 --bucket demo --tls "$WORK/tls/server.crt" "$WORK/tls/server.key"
export AWS_REGION=eu-central-1
s3_put /demo/file.txt content
soon 10 "an unknown authority" refused 5 'certificate.*; if the server has a private authority, give --ca-bundle' \
  "an unknown authority" "${MOUNT[@]}" demo "$M" --endpoint-url "https://localhost:$SERVER_PORT"
refused 5 'the certificate is for other names' "a certificate of another host" "${MOUNT[@]}" other "$M" \
  --endpoint-url "https://localhost:$SERVER_PORT" --ca-bundle "$WORK/tls/ca.pem"
works '^$' "with --ca-bundle" "${MOUNT[@]}" demo "$M" --endpoint-url "https://localhost:$SERVER_PORT" --ca-bundle "$WORK/tls/ca.pem"
refused 5 'check --ca-bundle' "no such CA bundle" "${MOUNT[@]}" demo "$M" --endpoint-url "https://localhost:$SERVER_PORT" \
  --ca-bundle "$WORK/none.pem"
SERVER_URL=$plain_url
use_endpoint "$plain_url" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" eu-central-1

note "the mount point"
refused 1 "none does not exist; 'mkdir -p .*none' makes it" "DIR is missing" "${MOUNT[@]}" demo "$WORK/none"
refused 1 'is not a directory' "DIR is a file" "${MOUNT[@]}" demo "$WORK/plain-port"
mkdir "$WORK/full" && echo mine >"$WORK/full/mine"
refused 1 'full is not empty; .*--allow-non-empty' "DIR is not empty" "${MOUNT[@]}" demo "$WORK/full"
exits 0 "-o nonempty" "${MOUNT[@]}" demo "$WORK/full" -o nonempty
is "$(cat "$WORK/full/file.txt")" content "-o nonempty: works"
umount_coffer "$WORK/full" >/dev/null
is "$(cat "$WORK/full/mine")" mine "and what DIR held is back"
mount_coffer demo "$M"
exits 1 "DIR is a mount already" "${MOUNT[@]}" demo "$M"
said "is a mount of coffer already, of demo; 'coffer umount .*' ends it" "DIR is a mount already"
exec 3<"$M/file.txt"
exits 1 "somebody is in it" "$COFFER" umount "$M"
like "$OUTPUT" "m is in use by bash \([0-9]+\).*; nothing was changed" "somebody is in it: says by whom"
unlike "$OUTPUT" 'coffer \([0-9]' "somebody is in it: not by itself"
exec 3<&-
kill -KILL "$(daemon_pid "$M")"
dead() { ! ls "$1" >/dev/null 2>&1; }
ok "the daemon is dead" within 10 dead "$M"
works "detached a dead mount of demo at $M" "a dead mount is replaced" "${MOUNT[@]}" demo "$M"
exits 1 "umount of what is none" "$COFFER" umount "$M"
like "$OUTPUT" 'not a mount|no mount' "umount of what is none: says so"
# shellcheck disable=SC2016  # expanded inside
refused 1 "/dev/fuse: .*modprobe fuse.*docker run --device /dev/fuse --cap-add SYS_ADMIN" "no /dev/fuse" \
  unshare -m sh -c 'mkdir "$2" && mount -t tmpfs none /dev && shift 2 && "$@"' sh _ "$WORK/unused" "${MOUNT[@]}" demo "$M"

note "options"
refused 2 '--readonly is no option; did you mean --read-only' "an option misspelt" "${MOUNT[@]}" demo "$M" --readonly
refused 2 "'coffer mount --help' lists them" "no option at all" "${MOUNT[@]}" demo "$M" --xyzzy
refused 2 '-o alow-other is no option; did you mean -o allow-other' "an -o word misspelt" "${MOUNT[@]}" demo "$M" -o alow_other
refused 2 '-o url: use --endpoint-url URL' "another program's -o word" "${MOUNT[@]}" demo "$M" -o url=http://localhost
refused 2 'secrets are never taken from the command line' "a secret on the command line" "${MOUNT[@]}" demo "$M" -o access_key=AK
refused 2 "'mont' is no command; did you mean mount" "a command misspelt" "$COFFER" mont demo "$M"
refused 2 'usage: coffer mount \[OPTIONS\] SOURCE DIR' "an operand is missing" "${MOUNT[@]}" demo
refused 2 '--uid needs a value' "a value is missing" "${MOUNT[@]}" demo "$M" --uid
refused 2 "--uid takes a number, not 'me'" "not a number" "${MOUNT[@]}" demo "$M" --uid me
refused 2 'takes an octal mode such as 0644' "not a mode" "${MOUNT[@]}" demo "$M" --file-mode 999
refused 2 'takes a size such as' "not a size" "${MOUNT[@]}" demo "$M" --memory-limit lots
refused 2 'sse.*is one of AES256, aws:kms, aws:kms:dsse' "no such choice" "${MOUNT[@]}" demo "$M" --sse aes
refused 2 "--log-directory .*none does not exist; 'mkdir -p .*none' makes it" "no such log directory" \
  "${MOUNT[@]}" demo "$M" -l "$WORK/none"
refused 2 '--config .*none: cannot be read' "no such configuration file" "${MOUNT[@]}" demo "$M" --config "$WORK/none"
echo "regoin = eu-central-1" >"$WORK/conf"
refused 2 'conf.*regoin.*did you mean region' "a name misspelt in the configuration" "${MOUNT[@]}" demo "$M" --config "$WORK/conf"

note "a plain user"
# who needs a way to the binary, a directory, and a /dev/fuse that everybody may open: machines have it so, some
# containers do not
chmod 711 "$WORK"
install -d -o nobody -m 700 "$WORK/user" "$WORK/user/m"
install -m 755 "$COFFER" "$WORK/user/coffer"
mknod -m 666 "$WORK/fuse" c 10 229
echo "region = eu-central-1" >"$WORK/user/conf"
chmod 600 "$WORK/user/conf"
# as_user COMMAND: in a shell of that user, in which coffer is the program
as_user() {
  # shellcheck disable=SC2016  # expanded inside
  unshare -m sh -c 'mount --bind "$0" /dev/fuse && exec runuser -u nobody -- env "$@"' "$WORK/fuse" \
    HOME="$WORK/user" XDG_STATE_HOME="$WORK/user/s" XDG_CACHE_HOME="$WORK/user/c" XDG_RUNTIME_DIR="$WORK/user" \
    PATH="$WORK/user:/usr/bin:/bin" sh -c "$1"
}
if [[ $EUID != 0 ]] || ! as_user ': <>/dev/fuse' 2>/dev/null; then
  skip "no other user can be made to mount here" 6
elif grep -q '^user_allow_other' /etc/fuse.conf; then
  skip "user_allow_other is set here" 6
else
  exits 5 "allow_other: exit code 5" as_user "coffer mount demo $WORK/user/m --allow-other"
  said "need the line 'user_allow_other' in /etc/fuse.conf" "allow_other"
  exits 2 "a configuration file of somebody else" as_user "coffer mount demo $WORK/user/m --config $WORK/user/conf"
  said 'conf: (Permission denied|cannot be read)' "a configuration file of somebody else"
  exits 0 "but a plain user mounts, reads and unmounts" \
    as_user "coffer mount demo $WORK/user/m && cat $WORK/user/m/file.txt && coffer umount $WORK/user/m"
  like "$OUTPUT" content "and sees the content"
fi

done_testing
