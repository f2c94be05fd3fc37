#!/usr/bin/env bash
# Every option that a command offers is in the manual, and every test that the manual names exists.
# Also under the sanitizers.
. "${0%/*}/lib/tap.sh"

# options COMMAND...: the long options in its help
options() { "$COFFER" "$@" --help | sed 's/^ *//' | grep '^-' | grep -oE -- '--[a-z][a-z0-9-]+' | sort -u; }

manual=$(sed 's/\\//g' man/coffer.1)
subcommands=$("$COFFER" --help | sed -n '/^Subcommands:/,$s/^  \([a-z][a-z-]*\).*/\1/p')
isnt "$manual" "" "there is a manual"
like "$subcommands" mount "the help names the commands"
for command in $subcommands; do
  like "$manual" "coffer $command" "coffer.1 has coffer $command"
  found=$(options "$command")
  [[ -n $found ]] || fail "coffer $command --help names no option"
  for option in $found; do
    like "$manual" "(^|[^a-z-])$option([^a-z-]|\$)" "coffer.1 has $option ($command)"
  done
done

# (test: FILE: CASE; CASE; FILE), as the last lines of a paragraph
named=$(python3 - man/* <<'PYTHON'
import os, re, sys
named, missing = 0, []
for page in sys.argv[1:]:
    with open(page, encoding="utf-8") as file:
        text = file.read().replace("\\-", "-")
    for group in re.findall(r"\(test: (.*?)\)\n", text, re.S):
        content = ""
        for name in re.split(r";\s+", group.replace("\n", " ")):
            path, _, case = name.partition(": ") if name.startswith("tests/") else ("", "", name)
            if path and not os.path.exists(path):
                missing.append(path)
            elif path:
                with open(path, encoding="utf-8") as file:
                    content = file.read()
            if case and case not in content:
                missing.append(name)
            named += 1
print(named, *missing, sep="\n")
PYTHON
)
at_least "${named%%$'\n'*}" 50 "the manual names tests"
is "$(sed 1d <<<"$named")" "" "each of them exists"
done_testing
