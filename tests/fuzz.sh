#!/usr/bin/env bash
# tests/fuzz.sh PROGRAM [TARGET...]: each target FUZZ_SECONDS (60) long on inputs that libFuzzer makes up from its corpus,
# as many at once as there are cores (JOBS). A crash leaves its input in the run's directory and says how to repeat it.
# FUZZ_SEED=N makes up the same inputs again: a gate that judges a change does so without luck.
#
# What a target learned is thrown away with the directory, unless KEEP_CORPUS=1: then those inputs that reach most of what
# this run reached join the corpus, under libFuzzer's names, in place of the ones from runs before. Inputs with names of
# ours stay: what was written by hand, and what once was a crash.
set -u
program=$(realpath "$1") || exit 2
cd "$(dirname "$0")/.." || exit 1
shift
seconds=${FUZZ_SECONDS:-60}
targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(cd tests/fuzz/corpus && printf '%s\n' *)
run=$(mktemp -d "${TMPDIR:-/tmp}/coffer-fuzz.XXXXXX") || exit 1
# files of targets: in memory, where they cost no fsync
scratch=$(mktemp -d "/dev/shm/coffer-fuzz.XXXXXX" 2>/dev/null) || { scratch=$run/tmp && mkdir "$scratch"; }
keep=0

clean_up() {
  local jobs
  mapfile -t jobs < <(jobs -p)
  ((${#jobs[@]} == 0)) || kill "${jobs[@]}" 2>/dev/null
  wait
  rm -rf "$scratch"
  if ((keep)); then echo "# kept: $run"; else rm -rf "$run"; fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# one TARGET: leaves its exit status in TARGET.status
fuzz_one() {
  local target=$1 corpus=tests/fuzz/corpus/$1
  mkdir -p "$run/$target" "$run/crashes"
  ln -sf "$program" "$run/bin/$target"
  TMPDIR=$scratch ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0 UBSAN_OPTIONS=print_stacktrace=1 \
    "$run/bin/$target" -max_total_time="$seconds" -seed="${FUZZ_SEED:-0}" -timeout=20 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
    -artifact_prefix="$run/crashes/$target-" "$run/$target" "$corpus" >"$run/$target.log" 2>&1
  echo $? >"$run/$target.status"
}

merge_corpus() {
  local target=$1 corpus=tests/fuzz/corpus/$1 input
  mkdir -p "$run/merged/$target"
  TMPDIR=$scratch "$run/bin/$target" -merge=1 -max_len=1024 -use_counters=0 "$run/merged/$target" "$corpus" "$run/$target" \
    >>"$run/$target.log" 2>&1 || return
  find "$corpus" -type f -regextype egrep -regex '.*/[0-9a-f]{40}' -delete
  # the larger an input, the more it reaches
  while read -r input; do cp "$run/merged/$target/$input" "$corpus/"; done \
    < <(find "$run/merged/$target" -type f -printf '%s %f\n' | sort -rn | head -n 32 | cut -d' ' -f2)
}

mkdir "$run/bin"
for target in "${targets[@]}"; do
  while (($(jobs -rp | wc -l) >= ${JOBS:-$(nproc)})); do wait -n; done
  fuzz_one "$target" &
done
wait
passed=0 failed=0
for target in "${targets[@]}"; do
  executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$run/$target.log")
  if [[ $(<"$run/$target.status") == 0 && ${executed:-0} -gt 0 ]]; then
    echo "ok $target: $executed inputs in $seconds s"
    ((++passed))
    [[ ${KEEP_CORPUS:-0} != 1 ]] || merge_corpus "$target"
    continue
  fi
  ((++failed, keep = 1))
  echo "not ok $target"
  grep -E 'ERROR|runtime error|does not hold|SUMMARY|^ +#[0-9]+ .*coffer' "$run/$target.log" | head -n 20 | sed 's/^/  /'
  for input in "$run/crashes/$target"-*; do
    [[ ! -e $input ]] || echo "  again: $run/bin/$target $input"
  done
done
echo "$passed passed, $failed failed, 0 skipped"
((failed == 0))
