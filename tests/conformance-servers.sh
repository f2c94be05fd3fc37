#!/usr/bin/env bash
# Servers of others for the conformance suite and for tests/interop/, on loopback, each in a private directory.
#
#   tests/conformance-servers.sh up versitygw|minio|moto|local-kms DIR   build or fetch it if needed, start it, print env
#   tests/conformance-servers.sh down DIR                                stop it, remove DIR
#
# `up` exits with 77 and one line of reason where the server cannot be had. Programs are kept between runs in
# ${XDG_CACHE_HOME:-~/.cache}/coffer-conformance. Of the environment that `up` prints, every server has
# COFFER_TEST_SERVER (its name), COFFER_TEST_ENDPOINT, COFFER_TEST_REGION, COFFER_TEST_ACCESS_KEY_ID and
# COFFER_TEST_SECRET_ACCESS_KEY; moto also has an access point: COFFER_TEST_ACCESS_POINT (its ARN),
# COFFER_TEST_ACCESS_POINT_HOST, COFFER_TEST_ACCESS_POINT_BUCKET behind it, and COFFER_TEST_CONNECT_TO. local-kms is
# KMS alone, and moto has a KMS too: COFFER_TEST_KMS_KEY is the ARN of a key there.
set -euo pipefail

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/coffer-conformance
ACCOUNT=123456789012
REGION=us-east-1
KEY=COFFERCONFORMANCE1
SECRET=coffer/conformance+secret/key/40/letters

die() {
  echo "conformance-servers: $*" >&2
  exit 1
}
unavailable() {
  echo "$*" >&2
  exit 77
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# go_program NAME PACKAGE: builds it once
go_program() {
  [[ ! -x $CACHE/bin/$1 ]] || return 0
  command -v go >/dev/null || unavailable "$1: there is no go on PATH (it needs a newer one than Debian's)"
  mkdir -p "$CACHE/bin"
  echo "# building $1" >&2
  GOBIN=$CACHE/bin go install "$2@latest" >"$CACHE/$1.log" 2>&1 ||
    unavailable "$1: go install failed: $(tail -n 1 "$CACHE/$1.log") (all of it in $CACHE/$1.log)"
}

# serve COMMAND...: starts it in the background and waits until PORT answers
serve() {
  "$@" >"$DIR/log" 2>&1 </dev/null &
  local pid=$! i
  echo "$pid" >"$DIR/pid"
  for ((i = 0; i < 600; i++)); do
    kill -0 "$pid" 2>/dev/null || break
    curl -so /dev/null --max-time 5 "http://127.0.0.1:$PORT/" && return
    sleep 0.05
  done
  tail -n 5 "$DIR/log" >&2
  die "$NAME does not answer"
}

up_versitygw() {
  go_program versitygw github.com/versity/versitygw/cmd/versitygw
  mkdir "$DIR/versions"
  ROOT_ACCESS_KEY=$KEY ROOT_SECRET_KEY=$SECRET serve "$CACHE/bin/versitygw" --port "127.0.0.1:$PORT" \
    --region "$REGION" --keep-alive --quiet posix --versioning-dir "$DIR/versions" "$DIR/data"
}

up_minio() {
  go_program minio github.com/minio/minio
  MINIO_ROOT_USER=$KEY MINIO_ROOT_PASSWORD=$SECRET MINIO_REGION=$REGION MINIO_UPDATE=off MINIO_BROWSER=off \
    MINIO_KMS_SECRET_KEY="my-key:$(head -c 32 /dev/zero | base64)" \
    serve "$CACHE/bin/minio" server "$DIR/data" --address "127.0.0.1:$PORT" --quiet
}

# As published it listens on every address.
local_kms_program() {
  local module=github.com/nsmithuk/local-kms@latest source=$CACHE/local-kms.source
  [[ ! -x $CACHE/bin/local-kms ]] || return 0
  command -v go >/dev/null || unavailable "local-kms: there is no go on PATH (it needs a newer one than Debian's)"
  mkdir -p "$CACHE/bin"
  rm -rf "$source"
  echo "# building local-kms" >&2
  {
    cp -r "$(cd "$CACHE" && go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')" "$source" &&
      chmod -R u+w "$source" && sed -i 's|addr := ":"+port|addr := "127.0.0.1:"+port|' "$source/src/server.go" &&
      grep -q 'addr := "127.0.0.1:"' "$source/src/server.go" &&
      (cd "$source" && go build -o "$CACHE/bin/local-kms" .)
  } >"$CACHE/local-kms.log" 2>&1 ||
    unavailable "local-kms: go build failed: $(tail -n 1 "$CACHE/local-kms.log") (all of it in $CACHE/local-kms.log)"
}

up_local-kms() {
  local_kms_program
  KMS_ACCOUNT_ID=$ACCOUNT KMS_REGION=$REGION KMS_DATA_PATH=$DIR/data PORT=$PORT serve "$CACHE/bin/local-kms"
  new_kms_key
}

# its ARN in KMS_KEY
new_kms_key() {
  local reply
  reply=$(aws kms "kms.$REGION.amazonaws.com" POST / -H 'X-Amz-Target: TrentService.CreateKey' -H 'Content-Type: application/x-amz-json-1.1' -d '{}')
  KMS_KEY=$(sed -n 's|.*"Arn": *"\([^"]*\)".*|\1|p' <<<"$reply")
  [[ -n $KMS_KEY ]] || die "$NAME made no key: $reply"
}

up_moto() {
  local moto=$CACHE/moto
  if [[ ! -f $moto/complete ]]; then
    echo "# fetching moto" >&2
    mkdir -p "$CACHE"
    { python3 -m venv --clear "$moto" && "$moto/bin/pip" install -q 'moto[server]'; } >"$CACHE/moto.log" 2>&1 ||
      unavailable "moto: pip failed: $(tail -n 1 "$CACHE/moto.log") (all of it in $CACHE/moto.log)"
    touch "$moto/complete"
  fi
  serve "$moto/bin/moto_server" -H 127.0.0.1 -p "$PORT"
  new_kms_key
  moto_user
}

# aws SERVICE HOST METHOD PATH [curl option...]: one signed request to moto, which finds the service by the host name
aws() {
  local service=$1 host=$2 method=$3 path=$4
  shift 4
  curl -sS --fail-with-body -X "$method" --connect-to "$host:80:127.0.0.1:$PORT" --user "$KEY:$SECRET" \
    --aws-sigv4 "aws:amz:$REGION:$service" -H x-amz-content-sha256:UNSIGNED-PAYLOAD "$@" "http://$host$path"
}
iam() { aws iam iam.amazonaws.com POST / -d "Action=$1&Version=2010-05-08&UserName=coffer${2:-}"; }

# moto checks signatures and policies once it has a user and has been told that no more calls are free of charge
moto_user() {
  local policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}' reply
  local control=$ACCOUNT.s3-control.$REGION.amazonaws.com
  aws s3 "s3.$REGION.amazonaws.com" PUT /coffer-ap-bucket
  aws s3 "$control" PUT /v20180820/accesspoint/coffer-ap -H "x-amz-account-id: $ACCOUNT" -H 'Content-Type: text/xml' -d \
    '<CreateAccessPointRequest xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/"><Bucket>coffer-ap-bucket</Bucket></CreateAccessPointRequest>'
  iam CreateUser
  iam PutUserPolicy "&PolicyName=all&PolicyDocument=$(python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "$policy")"
  reply=$(iam CreateAccessKey)
  KEY=$(sed -n 's|.*<AccessKeyId>\(.*\)</AccessKeyId>.*|\1|p' <<<"$reply")
  SECRET=$(sed -n 's|.*<SecretAccessKey>\(.*\)</SecretAccessKey>.*|\1|p' <<<"$reply")
  [[ -n $KEY && -n $SECRET ]] || die "moto gave no access key: $reply"
  curl -sS --fail-with-body -X POST -H 'Content-Type: text/plain' -d 0 "http://127.0.0.1:$PORT/moto-api/reset-auth"
} >/dev/null

print_env() {
  cat <<ENV
export COFFER_TEST_SERVER=$NAME COFFER_TEST_ENDPOINT=http://127.0.0.1:$PORT COFFER_TEST_REGION=$REGION
export COFFER_TEST_ACCESS_KEY_ID=$KEY COFFER_TEST_SECRET_ACCESS_KEY=$SECRET
ENV
  [[ -z ${KMS_KEY:-} ]] || echo "export COFFER_TEST_KMS_KEY=$KMS_KEY"
  [[ $NAME == moto ]] || return 0
  local host=coffer-ap-$ACCOUNT.s3-accesspoint.$REGION.amazonaws.com
  cat <<ENV
export COFFER_TEST_ACCESS_POINT=arn:aws:s3:$REGION:$ACCOUNT:accesspoint/coffer-ap
export COFFER_TEST_ACCESS_POINT_HOST=$host COFFER_TEST_ACCESS_POINT_BUCKET=coffer-ap-bucket
export COFFER_TEST_CONNECT_TO=$host:80:127.0.0.1:$PORT
ENV
}

up() {
  [[ $NAME =~ ^(versitygw|minio|moto|local-kms)$ ]] || die "no server $NAME"
  [[ ! -e $DIR ]] || die "$DIR is there already"
  mkdir -p "$DIR/data"
  PORT=$(free_port)
  trap 'status=$?; ((status == 0)) || down' EXIT
  "up_$NAME"
  print_env
}

down() {
  local pid i
  if pid=$(cat "$DIR/pid" 2>/dev/null) && kill "$pid" 2>/dev/null; then
    for ((i = 0; i < 100; i++)); do
      [[ -n $(tr -d '\0' 2>/dev/null <"/proc/$pid/cmdline") ]] || break
      sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -rf "$DIR"
}

case "${1:-} $#" in
  'up 3') NAME=$2 DIR=$(realpath -m "$3") && up ;;
  'down 2')
    DIR=$(realpath -m "$2")
    [[ ! -e $DIR || -d $DIR/data ]] || die "$DIR is not one of mine"
    down
    ;;
  *) die "usage: tests/conformance-servers.sh up versitygw|minio|moto|local-kms DIR | down DIR" ;;
esac
