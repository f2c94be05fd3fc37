# tap.sh: what the shell tests share. A test begins with
#   #!/usr/bin/env bash
#   . "${0%/*}/../lib/tap.sh"
#   need_fuse
# and ends with `done_testing`. It runs from the root of the tree, speaks TAP, works in the private directory
# $WORK with an environment of its own, and leaves no mount, process or file behind. B is the build directory.
# shellcheck shell=bash

set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
B=$(realpath "${B:-build}")
COFFER=$B/coffer
WORK=$(mktemp -d "${TMPDIR:-/tmp}/coffer-test.XXXXXX") || exit 1
tap_count=0
tap_failed=0
tap_planned=0

# ---- environment -------------------------------------------------------------------------------------------
# nothing of the person's own set-up reaches a test: no credentials, profiles, proxies, CA bundles or caches
for tap_name in $(compgen -e); do
  case $tap_name in
    COFFER_TEST_*) ;;
    AWS_* | COFFER_* | XDG_* | *_proxy | *_PROXY | CURL_CA_BUNDLE | SSL_CERT_* | REQUESTS_CA_BUNDLE | GIT_* | RESTIC_*)
      unset "$tap_name" ;;
  esac
done
export COFFER_TEST_WORK=$WORK HOME=$WORK/home LC_ALL=C.UTF-8 TZ=UTC
export XDG_STATE_HOME=$HOME/state XDG_CACHE_HOME=$HOME/cache XDG_CONFIG_HOME=$HOME/config XDG_RUNTIME_DIR=$HOME/run
export AWS_CONFIG_FILE=$HOME/aws-config AWS_SHARED_CREDENTIALS_FILE=$HOME/aws-credentials
export AWS_EC2_METADATA_DISABLED=true
# a daemon's stderr is gone once it detaches, and a sanitizer's report with it
export ASAN_OPTIONS=log_path=$WORK/sanitizer UBSAN_OPTIONS=log_path=$WORK/sanitizer:print_stacktrace=1
export TSAN_OPTIONS=log_path=$WORK/sanitizer:second_deadlock_stack=1
mkdir -p "$HOME" "$WORK/log" "$XDG_STATE_HOME" "$XDG_CACHE_HOME" "$XDG_CONFIG_HOME"
mkdir -m 700 "$XDG_RUNTIME_DIR"

# ---- TAP ---------------------------------------------------------------------------------------------------
note() { printf '# %s\n' "${*//$'\n'/$'\n# '}"; }
diag() { note "$@" >&2; }

plan() {
  tap_planned=1
  echo "1..$1"
}
done_testing() { ((tap_planned)) || plan "$tap_count"; }

tap_result() { # "ok"|"not ok" DESCRIPTION
  ((++tap_count))
  echo "$1 $tap_count - ${2//#/\\#}"
  [[ $1 == ok ]] && return
  ((++tap_failed))
  return 1
}
pass() { tap_result ok "$1"; }
fail() { tap_result "not ok" "$1"; }

# ok DESCRIPTION COMMAND...: the command succeeds
ok() {
  local description=$1 output status
  shift
  output=$("$@" 2>&1) && pass "$description" && return
  status=$?
  fail "$description"
  diag "exit code $status of: $*" $'\n'"$output"
  return 1
}
# nok DESCRIPTION COMMAND...: the command fails
nok() {
  local description=$1 output
  shift
  output=$("$@" 2>&1) || { pass "$description"; return; }
  fail "$description"
  diag "succeeded, and should not: $*" $'\n'"$output"
  return 1
}
# exits CODE DESCRIPTION COMMAND...: with exactly that exit code; its output is in $OUTPUT
exits() {
  local code=$1 description=$2 status
  shift 2
  OUTPUT=$("$@" 2>&1)
  status=$?
  ((status == code)) && pass "$description" && return
  fail "$description"
  diag "exit code $status instead of $code of: $*" $'\n'"$OUTPUT"
  return 1
}
# is GOT EXPECTED DESCRIPTION
is() {
  [[ $1 == "$2" ]] && pass "$3" && return
  fail "$3"
  diag "     got: $1"$'\n'"expected: $2"
  return 1
}
isnt() {
  [[ $1 != "$2" ]] && pass "$3" && return
  fail "$3"
  diag "got, and should not: $1"
  return 1
}
# like GOT EXTENDED_REGEX DESCRIPTION
like() {
  [[ $1 =~ $2 ]] && pass "$3" && return
  fail "$3"
  diag "          got: $1"$'\n'"does not match: $2"
  return 1
}
unlike() {
  [[ ! $1 =~ $2 ]] && pass "$3" && return
  fail "$3"
  diag "                got: $1"$'\n'"and should not match: $2"
  return 1
}
# at_most GOT LIMIT DESCRIPTION, at_least GOT LIMIT DESCRIPTION: numbers
at_most() {
  [[ $1 =~ ^[0-9]+$ ]] && (($1 <= $2)) && pass "$3 ($1 of $2)" && return
  fail "$3"
  diag "got $1, at most $2"
  return 1
}
at_least() {
  [[ $1 =~ ^[0-9]+$ ]] && (($1 >= $2)) && pass "$3 ($1 of $2)" && return
  fail "$3"
  diag "got $1, at least $2"
  return 1
}
# skip REASON [COUNT]: counts COUNT points that could not be tested
skip() {
  local i
  for ((i = 0; i < ${2:-1}; i++)); do echo "ok $((++tap_count)) # SKIP $1"; done
}
skip_all() {
  tap_planned=1
  echo "1..0 # SKIP $1"
  exit 0
}
bail() {
  echo "Bail out! $*"
  exit 1
}

# within SECONDS COMMAND...: repeats it until it succeeds
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}

# ---- what a test needs -------------------------------------------------------------------------------------
# required REASON: a skip, or a failure where CI says that the thing is there
tap_required() {
  [[ $1 == 1 ]] || skip_all "$2"
  plan 1
  fail "$2, and it is required here"
  exit 1
}
need_fuse() {
  command -v fusermount3 >/dev/null || tap_required "${REQUIRE_FUSE:-0}" "no fusermount3 (package fuse3)"
  (: <>/dev/fuse) 2>/dev/null || tap_required "${REQUIRE_FUSE:-0}" "/dev/fuse cannot be opened: nothing can be mounted here"
}
# need_rgw: from here on `s3` and coffer's environment speak to Ceph RGW
need_rgw() {
  [[ -n ${COFFER_TEST_RGW_URL:-} ]] || skip_all "no Ceph RGW (make check starts one, unless RGW=0)"
  use_endpoint "$COFFER_TEST_RGW_URL" "$COFFER_TEST_RGW_ACCESS_KEY_ID" "$COFFER_TEST_RGW_SECRET_ACCESS_KEY"
}
# need_server: the one that COFFER_TEST_SERVER names, else Ceph RGW; its name in SERVER
need_server() {
  if [[ -z ${COFFER_TEST_SERVER:-} ]]; then
    export SERVER=rgw
    need_rgw
  else
    export SERVER=$COFFER_TEST_SERVER
    use_endpoint "$COFFER_TEST_ENDPOINT" "$COFFER_TEST_ACCESS_KEY_ID" "$COFFER_TEST_SECRET_ACCESS_KEY" "$COFFER_TEST_REGION"
  fi
}
need_commands() {
  local name
  for name; do command -v "$name" >/dev/null || skip_all "$name is not installed"; done
}

# ---- servers -----------------------------------------------------------------------------------------------
# use_endpoint URL KEY SECRET [REGION]: for `s3`, and by the environment for coffer
use_endpoint() {
  S3_URL=$1
  export AWS_ACCESS_KEY_ID=$2 AWS_SECRET_ACCESS_KEY=$3 AWS_REGION=${4:-us-east-1} AWS_ENDPOINT_URL=$1
}

# start_server [OPTION...]: a stand-in server of our own; then SERVER_URL, SERVER_PORT and SERVER_PID say where,
# and `s3` and coffer's environment speak to it
start_server() {
  local port_file log
  port_file=$(mktemp -u "$WORK/port.XXXXXX")
  log=$WORK/log/server-${port_file##*.}.log
  python3 tests/server --port 0 --port-file "$port_file" "$@" >"$log" 2>&1 &
  SERVER_PID=$!
  within 60 tap_server_ready "$port_file" || bail "the stand-in server does not start: $(tail -n 5 "$log")"
  SERVER_PORT=$(<"$port_file")
  SERVER_URL=http://127.0.0.1:$SERVER_PORT
  [[ " $* " != *" --tls "* ]] || SERVER_URL=https://127.0.0.1:$SERVER_PORT
  use_endpoint "$SERVER_URL" COFFERTESTACCESSKEY1 coffer/test+secret/key/number/one/40char
}
tap_server_ready() { [[ -s $1 ]] || { ! kill -0 "$SERVER_PID" 2>/dev/null && bail "the stand-in server ended at once"; }; }

stop_server() {
  kill "$SERVER_PID"
  wait "$SERVER_PID" 2>/dev/null
}

# make_certificate NAME...: a certificate for these host names; `start_server --tls "$WORK/tls/server.crt"
# "$WORK/tls/server.key"` serves with it, and "$WORK/tls/ca.pem" is the CA to trust
make_certificate() { tests/lib/certificate "$WORK/tls" "$@"; }

# server_control METHOD PATH [JSON]: the stand-in's own interface below /-/, which tests/server/README.md describes
server_control() { curl -sSk --fail-with-body -X "$1" ${3:+--data-binary "$3"} "$SERVER_URL/-/$2"; }
# server_requests [JQ_FILTER]: the requests since the start or the last server_forget, as a JSON list
server_requests() { server_control GET requests | jq -r "${1:-.}"; }
server_forget() { server_control POST requests/clear >/dev/null; }

# s3 METHOD /BUCKET[/KEY][?QUERY] [curl option...]: one signed request without coffer, the reply's body on stdout;
# fails on an HTTP error
s3() {
  local method=$1 path=$2
  shift 2
  curl -sSk --fail-with-body -X "$method" -H x-amz-content-sha256:UNSIGNED-PAYLOAD \
    --aws-sigv4 "aws:amz:$AWS_REGION:s3" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" "$@" "$S3_URL$path"
}
# s3_put /BUCKET/KEY TEXT [curl option...]
s3_put() {
  local path=$1 text=$2
  shift 2
  s3 PUT "$path" --data-binary "$text" -H 'Content-Type: application/octet-stream' "$@"
}

# ---- mounts ------------------------------------------------------------------------------------------------
# mount_coffer SOURCE DIR [OPTION...]: fails with coffer's words as diagnostics
mount_coffer() {
  local source=$1 dir=$2 output
  shift 2
  mkdir -p "$WORK/log/${dir##*/}"
  mkdir -p "$dir" 2>/dev/null # where a dead mount is it fails, and the directory is there
  output=$("$COFFER" mount "$source" "$dir" --log-directory "$WORK/log/${dir##*/}" "$@" 2>&1 </dev/null) && return
  diag "coffer mount $source $dir $*" $'\n'"$output"
  return 1
}
# what it says is said again when it fails, for those who do not look
umount_coffer() {
  local output status=0
  output=$("$COFFER" umount "$1" 2>&1) || status=$?
  ((status == 0)) || diag "coffer umount $1: exit code $status" $'\n'"$output" >&2
  [[ -z $output ]] || printf '%s\n' "$output"
  return "$status"
}

# counters DIR JQ_FILTER: a number of `coffer status`
counters() { "$COFFER" status "$1" --json | jq -r "$2"; }

# daemon_pid DIR: the process behind a mount
daemon_pid() {
  local pid
  for pid in $(tap_processes); do
    tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF -- "$1" && echo "$pid" && return
  done
  return 1
}

# ---- the end -----------------------------------------------------------------------------------------------
# every process of this test but the shell's own: they carry $WORK in their environment
tap_processes() { grep -lzxF "COFFER_TEST_WORK=$WORK" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3; }

# tap_end PATTERN: TERM to the test's processes whose command line matches, KILL after 5 s
tap_end() {
  local pid pids=()
  for pid in $(tap_processes); do
    [[ $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") =~ $1 ]] && pids+=("$pid") && kill "$pid" 2>/dev/null
  done
  ((${#pids[@]})) || return
  within 5 tap_gone "${pids[@]}" || kill -KILL "${pids[@]}" 2>/dev/null
}
tap_gone() {
  local pid
  for pid; do [[ $(tr -d '\0' 2>/dev/null <"/proc/$pid/cmdline") == "" ]] || return 1; done
}

tap_show_logs() {
  local log
  find "$WORK/log" -type f -size +0 | sort | while read -r log; do
    diag "--- the end of ${log#"$WORK/"}" $'\n'"$(tail -n 40 "$log")"
  done
}

tap_clean_up() {
  local status=$? mount reports
  trap '' INT TERM HUP
  cd / || exit 1
  while read -r _ mount _; do
    [[ $mount == "$WORK"/* ]] || continue
    fusermount3 -u "$mount" 2>/dev/null || fusermount3 -uz "$mount"
  done < <(tac /proc/mounts)
  tap_end "^$COFFER " # daemons first: what they still send needs their server
  tap_end .
  # shellcheck disable=SC2046  # pids
  kill $(jobs -p) 2>/dev/null
  reports=$(cat "$WORK"/sanitizer.* 2>/dev/null)
  if [[ -n $reports ]]; then
    diag "$reports"
    ((++tap_failed))
  fi
  ((tap_failed == 0)) || tap_show_logs
  if [[ ${KEEP:-0} == 1 ]]; then note "kept: $WORK"; else rm -rf --one-file-system "$WORK"; fi
  ((status == 0 && tap_failed)) && status=1
  exit "$status"
}
trap tap_clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
