#!/usr/bin/env bash
# Frames of 64 KiB that one core seals and opens in a second, beside what `openssl speed` gives for AES-256-GCM of as many
# bytes; BENCH=quick takes a second for each. Medians of five turns, taken one after the other.
set -euo pipefail
cd "$(dirname "$0")/../.."
B=${B:-build}
turns=5 seconds=3
[[ ${BENCH:-} != quick ]] || turns=1 seconds=1

# openssl_speed [-decrypt]: frames in a second
openssl_speed() {
  openssl speed -mr -seconds $seconds -bytes 65536 -evp aes-256-gcm "$@" 2>/dev/null |
    awk -F: '/^\+F:/ { printf "%.0f\n", $NF / 65536 }'
}
median() { sort -n | sed -n "$(((turns + 1) / 2))p"; }

pinned=()
! command -v taskset >/dev/null || pinned=(taskset -c 0)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for ((i = 0; i < turns; i++)); do
  "${pinned[@]}" "$B/bench/frames" $seconds >"$work/frames"
  sed 's/.*"seal": \([0-9]*\).*/\1/' "$work/frames" >>"$work/seal"
  sed 's/.*"open": \([0-9]*\).*/\1/' "$work/frames" >>"$work/open"
  openssl_speed >>"$work/encrypt"
  openssl_speed -decrypt >>"$work/decrypt"
done
row() { # TITLE FRAMES OPENSSL
  local ours theirs
  ours=$(median <"$work/$2")
  theirs=$(median <"$work/$3")
  printf '%-24s %8d %8d %6d %%\n' "$1" "$ours" "$theirs" $((100 * ours / theirs))
}
printf '%-24s %8s %8s %8s\n' "frames of 64 KiB a second" coffer openssl ratio
row sealed seal encrypt
row opened open decrypt
