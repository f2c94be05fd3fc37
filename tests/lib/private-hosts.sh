# shellcheck shell=bash
# Sourced first, before tap.sh: the test runs again in a mount namespace of its own, so that the host names of a service
# can lead to the stand-in by an /etc/hosts that only the test sees. Then names_lead_here says which.
if [[ ${COFFER_TEST_HOSTS:-} != private ]]; then
  private=(unshare --mount)
  ((EUID == 0)) || private+=(--map-root-user)
  "${private[@]}" true 2>/dev/null && COFFER_TEST_HOSTS=private exec "${private[@]}" "$0" "$@"
fi
# names_lead_here NAME...: to this machine
names_lead_here() {
  [[ ${COFFER_TEST_HOSTS:-} == private ]] || skip_all "no mount namespace of its own can be had here"
  echo "127.0.0.1 $* localhost" >"$WORK/hosts"
  mount --bind "$WORK/hosts" /etc/hosts || bail "no /etc/hosts of its own"
}
