#!/usr/bin/env bash
# coffer lock, hold and unlock on a server that another party wrote: Ceph RGW; versitygw and MinIO in `make conformance`.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq lsattr
need_server

BUCKET=lock-commands-$$
s3 PUT "/$BUCKET" -H x-amz-bucket-object-lock-enabled:true >/dev/null || bail "no bucket"
M=$WORK/m
mount_coffer "s3://$BUCKET" "$M" || bail "no mount"
flags() { lsattr -d "$1" | cut -d' ' -f1 | tr -d -; }
report() { "$COFFER" lock --report "s3://$BUCKET" --json | jq -r ".files[] | select(.key == \"$1\") | $2"; }
mkdir "$M/d" && for name in 1 2 3; do echo "$name" >"$M/d/$name"; done

ok "lock by path" "$COFFER" lock "$M/d/1" --for 30d
is "$(flags "$M/d/1") $(report d/1 .mode)" "i GOVERNANCE" "is locked, shown, reported"
exits 1 "shortened" "$COFFER" lock "$M/d/1" --for 1d
like "$OUTPUT" 'never shortened' "is refused"
ok "lock by address, all of it" "$COFFER" lock -r "s3://$BUCKET/d" --for 31d
is "$(report d/3 .locked)" true "all of it is locked"
exits 0 "extend" "$COFFER" lock "s3://$BUCKET/d/*" --extend 40d --if-less-than 35d
like "$OUTPUT" 'extended 3 files' "extends them"
exits 0 "extend again" "$COFFER" lock "s3://$BUCKET/d/*" --extend 40d --if-less-than 35d
like "$OUTPUT" 'extended 0 files.*3 needed nothing' "is idempotent"
exits 0 "require" "$COFFER" lock --report "$M" --require 'd/**=governance:38d'
exits 4 "require compliance" "$COFFER" lock --report "$M" --require 'd/**=compliance:1m'
ok "unlock, which RGW and versitygw cannot by taking retention off" \
  "$COFFER" unlock "$M/d/1" --bypass-governance-retention
ok "then the file goes" within 5 rm "$M/d/1"
ok "hold on" "$COFFER" hold on "$M/d/2"
exits 1 "unlock under a hold" "$COFFER" unlock "$M/d/2" --bypass-governance-retention
ok "hold off" "$COFFER" hold off "$M/d/2"
echo late >"$M/late"
if [[ $SERVER == rgw ]]; then
  exits 1 "a date after 2106, which RGW stores as another" "$COFFER" lock "$M/late" --until 2120-01-01 --lock-max 200y
  like "$OUTPUT" 'said yes, and has' "is told"
  exits 5 "compliance where governance was, though it has ended: RGW refuses another mode" \
    "$COFFER" lock "$M/late" --for 1m --mode compliance --yes
else
  ok "a date after 2106" "$COFFER" lock "$M/late" --until 2120-01-01 --lock-max 200y
  is "$(report late .retain_until)" 2120-01-01T00:00:00Z "is stored as it was said"
fi
echo brief >"$M/brief"
ok "compliance for some seconds" "$COFFER" lock "$M/brief" --for 6s --mode compliance --yes
is "$(report brief .mode)" COMPLIANCE "is compliance"
exits 1 "unlock" "$COFFER" unlock "$M/brief" --bypass-governance-retention
is_over() { [[ -z $(flags "$M/brief") ]]; }
ok "until it is over" within 30 is_over
ok "umount" umount_coffer "$M"
done_testing
