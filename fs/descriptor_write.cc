#include "fs/descriptor_write.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "fs/lock_rules.h"
#include "fs/sealed_store.h"
#include "fs/volume_signs.h"
#include "s3client/lock_check.h"

namespace coffer::fs {
namespace {

// Without it every file of the volume would be one that no mount opens.
Result<s3::Lock> LockOf(const VolumeDescriptor& descriptor, const s3::ServerTime& server_time) {
  const LockRuleBounds as_they_are{std::numeric_limits<std::int64_t>::max(), true};
  COFFER_ASSIGN(std::vector<LockRule> parsed, ParseLockRules(descriptor.lock_rules, as_they_are));
  const LockRules rules(std::move(parsed), true);
  if (rules.empty()) return s3::Lock{};
  const auto now = std::chrono::ceil<std::chrono::seconds>(server_time.Now());
  return s3::Lock{rules.longest()->mode, now.time_since_epoch().count() + rules.longest()->period_s,
                  false};
}

}  // namespace

Status WriteDescriptor(const DescriptorPlace& place, const VolumeDescriptor& descriptor,
                       KeySource& keys, const s3::Condition& condition) {
  COFFER_ASSIGN(const Layout layout, Layout::Make(descriptor.header_size, descriptor.frame_size));
  const SealedStore::Parts parts{place.store, keys, place.arena, place.pool};
  const SealedVolume volume{
      descriptor.id,          place.prefix, layout, DescriptorContext(descriptor),
      BindingPolicy::kStrict, true};
  SealedStore writer(parts, volume);
  const std::string key = DescriptorKey(place.prefix);
  const std::string text = ToText(descriptor);
  s3::NewObject object;
  object.condition = condition;
  object.headers.content_type = "application/octet-stream";
  COFFER_ASSIGN(object.lock, LockOf(descriptor, place.server_time));
  COFFER_ASSIGN(const s3::Written written, writer.Put(key, AsBytes(text), object));
  if (object.lock != s3::Lock{}) {
    const auto locked = s3::ConfirmLock(place.store, key, written, object.lock);
    if (!locked) return Error(locked.error()).While("lock the volume descriptor");
  }
  SealedStore reader(parts, volume);
  auto fetched = reader.Get(key, {0, 1u << 20}, {.etag = written.etag, .version_id = {}});
  if (!fetched) return std::move(fetched).error().While("read the new descriptor back");
  if (AsText(fetched->body) != text) {
    return Error{Code::kCorrupt, "the new descriptor does not read back as it was written"};
  }
  return Ok();
}

}  // namespace coffer::fs
