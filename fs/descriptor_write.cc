#include "fs/descriptor_write.h"

#include "fs/sealed_store.h"
#include "fs/volume_signs.h"

namespace coffer::fs {

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
  COFFER_ASSIGN(const s3::Written written, writer.Put(key, AsBytes(text), object));
  SealedStore reader(parts, volume);
  auto fetched = reader.Get(key, {0, 1u << 20}, {.etag = written.etag, .version_id = {}});
  if (!fetched) return std::move(fetched).error().While("read the new descriptor back");
  if (AsText(fetched->body) != text) {
    return Error{Code::kCorrupt, "the new descriptor does not read back as it was written"};
  }
  return Ok();
}

}  // namespace coffer::fs
