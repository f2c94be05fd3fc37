#!/usr/bin/env bash
# Every option that a command offers is in the manual.
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
done_testing
