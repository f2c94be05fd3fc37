#!/usr/bin/env bash
# A bucket for several teams: an access point for each, what each may do through it, and no other way in.
#
#   teams.sh BUCKET ADMIN TEAM=PRINCIPAL...
#
# ADMIN is the ARN of who goes on reaching the bucket by its own name: you, or the role that you work as. Each TEAM gets
# an access point of that name and everything below the prefix TEAM/; PRINCIPAL is the ARN of its role or user.
# Every step shows what it will change and asks; with YES=1 in the environment it does not. Safe to run again: what is
# there already is left, and a team that is added is added.
set -euo pipefail

[[ $# -ge 3 ]] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
BUCKET=$1 ADMIN=$2
shift 2
yes=()
[[ -z ${YES:-} ]] || yes=(--yes)

step() { printf '\n== %s\n' "$*"; }

# ---- a door for each team
for pair; do
  team=${pair%%=*} principal=${pair#*=}
  step "$team: its access point, and what $principal may do there"
  coffer access-point create "$team" --bucket "$BUCKET" "${yes[@]}"
  coffer access-point grant "$team" --principal "$principal" --allow read,write,list,delete --prefix "$team/" "${yes[@]}"
done

# ---- the bucket: TLS alone, the access points decide, and there is no way round them
step "the bucket: what comes without TLS is denied"
coffer policy add "s3://$BUCKET" tls "${yes[@]}"
step "the bucket: what comes through an access point is for its policy to decide"
coffer policy add "s3://$BUCKET" delegate "${yes[@]}"
step "the bucket: nobody but $ADMIN reaches an object by the bucket's own name"
coffer policy add "s3://$BUCKET" only-access-points --except "$ADMIN" "${yes[@]}"

# ---- does it hold? Asked of the policies as they are now
failed=0
# expect CODE WHAT COFFER-POLICY-TEST-WORDS...: 0 allowed, 5 denied, 3 not for these policies to decide
expect() {
  local wanted=$1 what=$2 code=0 said
  shift 2
  said=$(coffer policy test "s3://$BUCKET" --action s3:GetObject "$@") || code=$?
  if [[ $code == "$wanted" ]]; then echo "ok: $what: $said"; else echo "NOT AS WANTED: $what: $said"; failed=1; fi
}
step "what came of it"
for pair; do
  team=${pair%%=*} principal=${pair#*=}
  expect 0 "$team reads its own files" --principal "$principal" --key "$team/file" --through "$team"
  expect 5 "$team goes round its access point" --principal "$principal" --key "$team/file"
  for other; do
    [[ $other != "$pair" ]] || continue
    # 3: no policy here lets it pass; an IAM policy of the principal's own would
    expect 3 "$team reads a file of ${other%%=*}" --principal "$principal" --key "${other%%=*}/file" --through "$team"
  done
  echo "mount: coffer mount s3://$(coffer access-point show "$team" --json | sed -n 's/^  "arn": "\(.*\)",/\1/p')/$team DIR"
done
exit $failed
