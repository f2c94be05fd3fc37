// FakeStore: what its listings show.

#include <algorithm>

#include "tests/support/fake_store.h"

namespace coffer::test {

// Tokens name the last entry that was returned: 'K' a key, 'P' a common prefix.
s3::ListPage FakeStore::ListLocked(const s3::ListRequest& request) const {
  s3::ListPage page;
  page.server_date_s = now_s_;
  const auto limit = static_cast<std::size_t>(std::clamp(request.max_keys, 1, 1000));
  std::string last = request.token;
  if (last.empty() && !request.start_after.empty()) last = "K" + request.start_after;
  auto it = objects_.lower_bound(request.prefix);
  const auto past = [&](std::string prefix) {  // the first key behind all of `prefix`, "…/"
    ++prefix.back();
    return objects_.lower_bound(prefix);
  };
  if (!last.empty()) {
    const std::string name = last.substr(1);
    const auto resumed = last[0] == 'P' ? past(name) : objects_.upper_bound(name);
    if (it != objects_.end() && (resumed == objects_.end() || it->first < resumed->first)) {
      it = resumed;
    }
  }
  while (it != objects_.end() && it->first.starts_with(request.prefix)) {
    const std::string& key = it->first;
    const Version& version = it->second.back();
    if (version.delete_marker) {
      ++it;
      continue;
    }
    if (page.objects.size() + page.prefixes.size() == limit) {
      page.next_token = last;
      break;
    }
    const std::size_t slash = request.delimited ? key.find('/', request.prefix.size()) : key.npos;
    if (slash != key.npos) {
      page.prefixes.push_back(key.substr(0, slash + 1));
      last = "P" + page.prefixes.back();
      it = past(page.prefixes.back());
      continue;
    }
    page.objects.push_back({key, version.info.etag, version.info.size, version.info.last_modified_s,
                            version.info.storage_class});
    if (spoilt_.contains(key)) {
      page.objects.back().sound = false;
      page.objects.back().size = 0;
    }
    last = "K" + key;
    ++it;
  }
  return page;
}

s3::VersionPage FakeStore::ListVersionsLocked(std::string_view prefix, std::string_view key_marker,
                                              std::string_view version_marker) const {
  s3::VersionPage page;
  for (auto it = objects_.lower_bound(prefix); it != objects_.end(); ++it) {
    const auto& [key, versions] = *it;
    if (!key.starts_with(prefix)) break;
    if (key < key_marker || (key == key_marker && version_marker.empty())) continue;
    bool skipping = key == key_marker;
    for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
      if (skipping) {
        skipping = version->info.version_id != version_marker;
        continue;
      }
      if (page.versions.size() == 1000) {
        page.next_key_marker = page.versions.back().key;
        page.next_version_marker = page.versions.back().version_id;
        return page;
      }
      page.versions.push_back({key, version->info.version_id, version->info.etag,
                               version->info.size, version->info.last_modified_s,
                               version == versions.rbegin(), version->delete_marker});
    }
  }
  return page;
}

}  // namespace coffer::test
