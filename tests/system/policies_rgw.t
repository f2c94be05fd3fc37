#!/usr/bin/env bash
# coffer policy test on Ceph RGW: what it foretells of requests under bucket policies is what another party's server does.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_commands curl jq python3
need_rgw

BUCKET=policies-$$
s3 PUT "/$BUCKET" >/dev/null || bail "no bucket"
for key in team/a team-b/a; do s3_put "/$BUCKET/$key" text >/dev/null; done
export AWS_ENDPOINT_URL=$COFFER_TEST_RGW_TLS_URL AWS_CA_BUNDLE=$COFFER_TEST_RGW_CA
python3 tests/system/policy_table_rgw.py "$COFFER" "$COFFER_TEST_RGW_URL" "$COFFER_TEST_RGW_TLS_URL" "$COFFER_TEST_RGW_CA" "$BUCKET" \
  >"$WORK/table" 2>"$WORK/table.err" || diag "$(cat "$WORK/table.err")"
is "$(cat "$WORK/table.err")" "" "the table is asked to its end"
is "$(grep '^DIFFERS' "$WORK/table")" "" "coffer policy test foretells what RGW does"
note "$(grep '^known' "$WORK/table")"
at_least "$(grep -c '^same' "$WORK/table")" 180 "requests that were foretold"
for word in 'allowed, served' 'denied, refused' 'not decided here, served'; do
  at_least "$(grep -c "$word" "$WORK/table")" 5 "$word"
done
done_testing
