#!/usr/bin/env bash
# A sealed volume in a bucket with Object Lock, behind an access point, mounted, with no account anywhere: the stand-in
# server plays S3 and KMS on loopback.
# On a terminal it leaves you in a shell inside the mount, and `exit` cleans up; elsewhere it shows a short session.
set -euo pipefail
cd "$(dirname "$0")/.."
B=$(realpath "${B:-build}")
REGION=us-west-2
ACCOUNT=123456789012
BUCKET=demo-bucket
POINT=demo
HOST=$POINT-$ACCOUNT.s3-accesspoint.$REGION.amazonaws.com

die() {
  echo "demo: $*" >&2
  exit 1
}

if ! (: <>/dev/fuse) 2>/dev/null; then
  cat >&2 <<'TEXT'
demo: /dev/fuse cannot be opened, so nothing can be mounted here.
In a container, start it with
    docker run --device /dev/fuse --cap-add SYS_ADMIN --security-opt apparmor:unconfined ...
On a machine of your own, load the module: sudo modprobe fuse
TEXT
  exit 1
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/coffer-demo.XXXXXX")
mount=$work/bucket
server=

clean_up() {
  trap '' INT TERM HUP
  cd /
  if grep -qF " $mount fuse" /proc/mounts; then
    "$B/coffer" umount "$mount" || fusermount3 -uz "$mount"
  fi
  [[ -z $server ]] || { kill "$server" && wait "$server"; } 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# the demo's own credentials and directories, not yours
for name in $(compgen -e | grep -E '^(AWS|COFFER)_'); do unset "$name"; done
export AWS_ACCESS_KEY_ID=COFFERTESTACCESSKEY1 AWS_SECRET_ACCESS_KEY=coffer/test+secret/key/number/one/40char
export AWS_CONFIG_FILE=$work/aws AWS_SHARED_CREDENTIALS_FILE=$work/aws AWS_EC2_METADATA_DISABLED=true
export XDG_STATE_HOME=$work/state XDG_CACHE_HOME=$work/cache
export PATH=$B:$PATH

start_server() {
  python3 tests/server --port 0 --port-file "$work/port" --region "$REGION" --lock-enabled --bucket "$BUCKET" \
    --access-point "$POINT=$BUCKET" >"$work/server.log" 2>&1 &
  server=$!
  for _ in {1..200}; do
    [[ ! -s $work/port ]] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  [[ -s $work/port ]] || die "the stand-in server does not start: $(tail -n 3 "$work/server.log")"
  port=$(<"$work/port")
}

# show export NAME=VALUE...: shows it, then does it
show() {
  printf '\n$ export'
  printf ' \\\n    %s' "${@:2}"
  echo
  "$@"
}
# say COMMAND: shows it, then does it
say() {
  printf '\n$ %s\n' "$1"
  eval "$1"
}

start_server
mkdir "$mount"
cd "$work"
source=s3://arn:aws:s3:$REGION:$ACCOUNT:accesspoint/$POINT/vault
key=arn:aws:kms:$REGION:$ACCOUNT:key/1234abcd-12ab-34cd-56ef-1234567890ab
echo "A stand-in for S3 and KMS on 127.0.0.1:$port has the bucket $BUCKET, the access point $POINT and a key."
echo "(These variables send what is meant for AWS there; with AWS itself there would be none.)"
show export COFFER_ENDPOINT_URL="http://s3-accesspoint.$REGION.amazonaws.com" \
  COFFER_CONNECT_TO="$HOST:80:127.0.0.1:$port" COFFER_KMS_ENDPOINT_URL="http://127.0.0.1:$port"
say "coffer init $source \\
    --kms-key $key --new-recovery-key recovery.pem"
say "coffer mount --sealed=yes $source $mount"
cd "$mount"

if [[ -t 0 && -t 1 ]]; then
  printf '\nYou are in the bucket now. "coffer status ." tells what it costs; "coffer lock FILE --for 1m"\n'
  printf 'keeps a file, from root too, until the minute is over; "exit" unmounts and cleans up.\n\n'
  PS1='coffer demo \$ ' bash --norc -i || true
else
  say 'echo "hello, bucket" > hello.txt'
  say 'cat hello.txt'
  say 'mkdir -p photos/2024'
  say 'head -c 20000000 /dev/urandom > photos/2024/large.raw'
  say 'sha256sum photos/2024/large.raw'
  say 'cp hello.txt photos/copy.txt'
  say 'mv photos/copy.txt photos/moved.txt'
  say 'echo "and one line more" >> photos/moved.txt'
  say 'ls -lR'
  say 'coffer status .'
  say 'coffer lock hello.txt --for 5s'
  say 'lsattr hello.txt'
  say 'rm -f hello.txt' || true
  say 'sleep 6; rm hello.txt && echo "its time was over"'
fi

cd "$work"
say "coffer umount $mount"
printf '\nIn the bucket, as any other S3 client sees it, all is sealed:\n'
s3() { curl -sS --fail-with-body --aws-sigv4 "aws:amz:$REGION:s3" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
  -H x-amz-content-sha256:UNSIGNED-PAYLOAD "http://127.0.0.1:$port/$BUCKET$1"; }
{ s3 "?list-type=2"; echo; } | sed 's/<Contents>/\n/g' |
  sed -n 's|^.*<Key>\(.*\)</Key>.*<Size>\([0-9]*\)</Size>.*|  \1 (\2 bytes)|p'
# what was made in the shell is whatever it is
[[ -t 0 && -t 1 ]] && exit
s3 /vault/photos/moved.txt >moved.sealed
printf '\nEach object is a message that any AWS Encryption SDK opens; so does coffer, here without KMS:\n'
say "coffer open -i moved.sealed --recovery-private-key recovery.pem"
