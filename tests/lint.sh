#!/usr/bin/env bash
# tests/lint.sh C++FILE...: every check that needs no compiler; `make lint` adds clang-tidy. Runs them all
# before it fails.
cd "$(dirname "$0")/.." || exit 1
failed=()

check() {
  local name=$1
  shift
  echo "$name"
  "$@" || failed+=("$name")
}

# scripts WORD: the files of ours whose first line names that interpreter
scripts() {
  git ls-files --cached --others --exclude-standard -- tests .ci man |
    while read -r f; do [[ -f $f && $(head -c 64 -- "$f" | head -n 1 | tr -d '\0') =~ ^#!.*$1 ]] && echo "$f"; done
}

man_pages() {
  local warnings
  warnings=$(for page in man/*.[157]; do groff -man -Tutf8 -ww -z "$page" 2>&1; done)
  [[ -z $warnings ]] || { echo "$warnings" >&2; return 1; }
}

# pyflakes does not know "# noqa", by which a line says that it means what looks unused
python_files() {
  local finding file line bad=0
  while IFS= read -r finding; do
    IFS=: read -r file line _ <<<"$finding"
    [[ -f $file ]] && sed -n "${line}p" "$file" | grep -q '# noqa' && continue
    echo "$finding" >&2
    bad=1
  done < <(pyflakes3 "$@" 2>&1)
  return $bad
}

shopt -s nullglob
check "layers" tests/layers.sh
check "own names" python3 tests/own_names.py
check "budgets" tests/budgets.sh
(($# == 0)) || check "clang-format" clang-format --dry-run -Werror "$@"
mapfile -t shell < <(scripts '(bash|sh)$'; printf '%s\n' tests/lib/*.sh)
check "shellcheck" shellcheck -x -P SCRIPTDIR "${shell[@]}"
mapfile -t python < <(scripts python3; git ls-files --cached --others --exclude-standard -- 'tests/*.py')
((${#python[@]} == 0)) || check "pyflakes" python_files "${python[@]}"
check "man pages" man_pages
((${#failed[@]} == 0)) || { echo "lint failed: ${failed[*]}" >&2; exit 1; }
