#!/usr/bin/env bash
# tests/check.sh [FILE...]: runs the test files (all of them by default) in one private directory, with one
# Ceph RGW for those that need it, and leaves nothing behind, also when interrupted.
#
# B: the build directory. RGW=0: no Ceph, and its tests are skipped. COFFER_TEST_SERVER: the one server that the
# conformance suite is for, in place of the stand-in and RGW (tests/conformance-servers.sh). REQUIRE_FUSE=1: no
# mount, no success. KEEP=1 keeps the directory of the run. JOBS, TEST_TIMEOUT, VERBOSE: tests/lib/harness.pl.
set -u
cd "$(dirname "$0")/.." || exit 1
export B=${B:-build}
B=$(realpath "$B")

COFFER_TEST_RUN=$(mktemp -d "${TMPDIR:-/tmp}/coffer-check.XXXXXX") || exit 1
chmod 711 "$COFFER_TEST_RUN" # tests become other users below it
export COFFER_TEST_RUN TMPDIR=$COFFER_TEST_RUN
mkdir "$COFFER_TEST_RUN/running"

# ours PID: it carries this run's directory in its environment, so the number is not another's by now
ours() { grep -qzxF "COFFER_TEST_RUN=$COFFER_TEST_RUN" "/proc/$1/environ" 2>/dev/null; }

# What an interrupted run leaves: its processes (each cleans up after itself), its mounts, its files.
clean_up() {
  trap '' INT TERM HUP
  local pid mount i
  [[ -z ${harness:-} ]] || kill "$harness" 2>/dev/null
  for pid in "$COFFER_TEST_RUN"/running/*; do
    pid=${pid##*/}
    ours "$pid" && kill -TERM -- "-$pid"
    for ((i = 0; i < 200; i++)); do
      ours "$pid" || break
      sleep 0.1
    done
  done
  while read -r _ mount _; do
    [[ $mount == "$COFFER_TEST_RUN"/* ]] && fusermount3 -uz "$mount"
  done </proc/mounts
  [[ ! -d $COFFER_TEST_RUN/rgw ]] || tests/rgw destroy "$COFFER_TEST_RUN/rgw"
  if [[ ${KEEP:-0} == 1 ]]; then
    echo "# kept: $COFFER_TEST_RUN"
  else
    rm -rf --one-file-system "$COFFER_TEST_RUN"
  fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

start_rgw() {
  local env
  echo "# starting Ceph RGW"
  env=$(tests/rgw up "$COFFER_TEST_RUN/rgw") || return
  eval "$env"
}

shopt -s nullglob extglob
files=("$@")
(($#)) || files=(tests/*.t tests/!(conformance)/*.t)
for file in "${files[@]}"; do
  [[ -x $file ]] || { echo "check: $file is not there, or not executable" >&2; exit 2; }
done
if [[ ${RGW:-1} == 0 ]]; then
  echo "# RGW=0: the tests on Ceph are SKIPPED"
elif [[ -z ${COFFER_TEST_SERVER:-} ]] && grep -qE 'need_rgw|need_server|COFFER_TEST_RGW' "${files[@]}"; then
  start_rgw || { echo "check: Ceph RGW does not start; RGW=0 leaves it out" >&2; exit 1; }
fi
# g++ 12's thread sanitizer finds no room for its shadow where addresses are more random than it knows
runner=()
if [[ $B == */thread ]] && (($(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0) > 28)) && setarch -R true; then
  runner=(setarch -R)
fi
# in the background, so that a signal to this script is not kept waiting by it
"${runner[@]}" perl tests/lib/harness.pl "${files[@]}" </dev/null &
harness=$!
wait "$harness"
