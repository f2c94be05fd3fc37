#!/usr/bin/env bash
# Fails when an #include crosses a line: fs -> s3client -> crypto, nothing includes tests/, and every
# third-party library enters through one door.
cd "$(dirname "$0")/.." || exit 1
bad=0

# only PATTERN FILE...: of all sources, FILE... (or a folder's files) alone may include what matches PATTERN
only() {
  local pattern=$1 file allowed
  shift
  while read -r file; do
    for allowed; do
      [[ $file == "$allowed" || ($allowed == */ && $file == "$allowed"*) ]] && continue 2
    done
    echo "layers: $file must not include $pattern" >&2
    bad=1
  done < <(grep -rlE --include='*.h' --include='*.cc' "^ *# *include *[<\"]($pattern)" crypto s3client fs)
}

only 's3client/' s3client/ fs/
only 'fs/' fs/
only 'tests/'
only '[^/>"]+"' # without its folder an include would pass below every rule here
only 'openssl/' crypto/openssl.h crypto/openssl.cc
only 'curl/' s3client/curl_transport.cc
only 'tinyxml2' s3client/xml.cc
only 'nlohmann/' crypto/string_map.cc s3client/json.h s3client/json.cc fs/json.h
only 'spdlog/|fmt/' fs/log.h fs/log.cc
only 'fuse3/|fuse' fs/ops.h fs/ops.cc fs/mount_session.h fs/mount_session.cc
only 'sqlite3' fs/sqlite.h fs/sqlite.cc
only 'CLI/' fs/options.cc
exit $bad
