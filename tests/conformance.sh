#!/usr/bin/env bash
# The conformance suite and the tests of Object Lock, or of access points, on the servers of others, one after the
# other; one that cannot be had here is a loud skip. The last line is "N passed, N failed, N skipped" over all of them.
# SERVERS="moto minio" narrows; moto-teams is moto, and the tests of access points alone.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0 notes=()
work=$(mktemp -d "${TMPDIR:-/tmp}/coffer-conformance.XXXXXX") || exit 1
clean_up() {
  tests/conformance-servers.sh down "$work/server"
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# count FILE: adds the last line of a run
count() {
  if [[ $(tail -n 1 "$1") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    ((passed += BASH_REMATCH[1], failed += BASH_REMATCH[2], skipped += BASH_REMATCH[3]))
  else
    ((++failed))
  fi
}

run_on() {
  local env status files
  echo "## $1"
  env=$(tests/conformance-servers.sh up "${1%-teams}" "$work/server" 2>"$work/reason")
  status=$?
  cat "$work/reason"
  if ((status == 77)); then
    ((++skipped))
    notes+=("$(tail -n 1 "$work/reason")")
    return
  elif ((status != 0)); then
    ((++failed))
    return
  fi
  # moto keeps no lock, but access points
  files=(tests/conformance.t tests/system/{locks,lock_commands,versions,at}_server.t)
  [[ $1 != moto ]] || files=(tests/conformance.t tests/conformance/teams_moto.t)
  [[ $1 != moto-teams ]] || files=(tests/conformance/teams_moto.t)
  (eval "$env" && exec tests/check.sh "${files[@]}") | tee "$work/output"
  count "$work/output"
  tests/conformance-servers.sh down "$work/server"
}

for server in ${SERVERS:-versitygw minio moto}; do run_on "$server"; done
((${#notes[@]} == 0)) || printf '\nSKIPPED, not tested: %s\n' "${notes[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
