#!/usr/bin/env bash
# coffer versions on a server that another party wrote, plain and sealed: Ceph RGW; versitygw and MinIO in `make conformance`.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq
need_server
[[ $SERVER != versitygw ]] || skip_all "versitygw 1.8 dates a version by when it was replaced, and a marker by the version below it"

BUCKET=versions-$$
s3 PUT "/$BUCKET" -H x-amz-bucket-object-lock-enabled:true >/dev/null || bail "no bucket"
M=$WORK/m
of() { "$COFFER" versions "$1" --json | jq -r "$2"; }
for kind in plain sealed; do
  volume_of $kind "s3://$BUCKET/$kind"
  mount_coffer "s3://$BUCKET/$kind" "$M" "${OPTIONS[@]}" || bail "no mount"
  mkdir "$M/d"
  printf first >"$M/d/f"
  chmod 640 "$M/d/f"
  FIRST=$(of "$M/d/f" '.versions[0].version_id')
  printf 'the second' >"$M/d/f"
  ok "$kind: a legal hold on it" "$COFFER" hold on "$M/d/f"
  is "$(of "$M/d/f" '.versions[0] | "\(.size) \(.legal_hold) \(.current)"') $(of "$M/d/f" '[.versions[] | select(.locked)] | length')" \
    "10 true true 1" "$kind: is shown, of that version alone"
  exits 1 "$kind: over a locked version" "$COFFER" versions "$M/d/f" --restore "$FIRST"
  like "$OUTPUT" '--locked=versioned' "$kind: nothing is laid, unless that is meant"
  ok "$kind: hold off" "$COFFER" hold off "$M/d/f"
  exits 0 "$kind: restore" "$COFFER" versions "$M/d/f" --restore "$FIRST"
  is "$(cat "$M/d/f") $(stat -c %a "$M/d/f")" "first 640" "$kind: the content is back, with its mode"
  ok "$kind: remove" rm "$M/d/f"
  is "$(of "$M/d/f" '.versions[0] | "\(.current) \(.delete_marker)"')" "true true" "$kind: a marker is current"
  exits 0 "$kind: what it hides" "$COFFER" versions -r --hidden "$M/d"
  like "$OUTPUT" 'd/f: .* 5 B .*hidden by a delete marker' "$kind: is shown"
  exits 0 "$kind: restore from under it" "$COFFER" versions "s3://$BUCKET/$kind/d/f" --restore "$FIRST"
  umount_coffer "$M" >/dev/null || bail "no umount"
  mount_coffer "s3://$BUCKET/$kind" "$M" "${OPTIONS[@]}" || bail "no mount"
  is "$(cat "$M/d/f")" first "$kind: it is there again"
  umount_coffer "$M" >/dev/null || bail "no umount"
done
done_testing
