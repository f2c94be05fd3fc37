#include "fs/volume_signs.h"

#include "fs/sealed_metadata.h"
#include "fs/volume_descriptor.h"

namespace coffer::fs {
namespace {

// Who may list but not read is told by a listing whether there is one: reading goes nowhere then.
Result<bool> IsListed(s3::ObjectStore& store, const std::string& key) {
  s3::ListRequest request;
  request.prefix = key;
  request.delimited = false;
  request.max_keys = 1;
  COFFER_ASSIGN(const s3::ListPage page, store.List(request));
  return !page.objects.empty() && page.objects.front().key == key;
}

}  // namespace

std::string DescriptorKey(const std::string& prefix) {
  return prefix + std::string(kDescriptorName);
}

// By GET: its 404 has a body that says of what, so that no listing has to confirm it.
Result<bool> HoldsVolume(s3::ObjectStore& store, const std::string& prefix) {
  const auto there = store.Get(DescriptorKey(prefix), {0, 1}, {});
  if (there) return true;
  if (there.error().code == Code::kNotFound) return false;
  if (there.error().code == Code::kDenied) {
    auto listed = IsListed(store, DescriptorKey(prefix));
    if (listed && !*listed) return false;
  }
  return there.error();
}

bool IsDescriptorKey(std::string_view key) {
  if (!key.ends_with(kDescriptorName)) return false;
  key.remove_suffix(kDescriptorName.size());
  return key.empty() || key.ends_with('/');
}

bool IsBound(const s3::Metadata& metadata) { return metadata.contains(kBindField); }

}  // namespace coffer::fs
