// A sealed object's metadata as the bucket has it: only what was sealed with it opens.

#include "crypto/layout.h"
#include "fs/sealed_metadata.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/test_keys.h"

namespace coffer::test {
namespace {

s3::Metadata ReadMetadata(Pieces& pieces) {
  s3::Metadata metadata;
  for (int left = pieces.Byte() % 8; left > 0; --left) {
    constexpr const char* kNames[] = {"mode", "uid", "mtime", "atime", "xattr", "coffer-bind"};
    const std::size_t name = pieces.Byte() % (std::size(kNames) + 1);
    std::string text = name < std::size(kNames) ? kNames[name] : pieces.Text();
    metadata[std::move(text)] = pieces.Text();
  }
  return metadata;
}

}  // namespace

void FuzzMetadata(ByteView input) {
  Pieces pieces(input);
  SecretArena arena(16);
  const DataKeyPtr key = MakeDataKey(arena);
  const Bytes id(32, std::byte{7});
  const fs::MessageIdentity message{*key, id};
  const fs::SealedVolume volume{"uuid", "p/", Layout::Make(1024, 4096).value(), {}};
  const fs::SealedMetadata metadata(volume, arena);
  s3::Metadata plain = ReadMetadata(pieces);
  std::string complaint;
  const auto forged = metadata.Open("p/name", message, plain, complaint);
  Must(!forged && forged.error().code == Code::kCorrupt, "no metadata opens that was not sealed");
  (void)fs::SealedMetadata::Unproved(plain);

  plain.erase("coffer-bind");
  const auto sealed = metadata.Seal("p/name", message, plain);
  if (!sealed) return;  // too long for the format
  const auto opened = metadata.Open("p/name", message, *sealed, complaint);
  Must(opened && *opened == plain && complaint.empty(), "what was sealed opens to what it was");
  const auto moved = metadata.Open("p/other", message, *sealed, complaint);
  Must(!moved && moved.error().code == Code::kCorrupt, "under another name it does not open");
  // Fields as the bucket would like them. Those of other tools are nobody's promise.
  s3::Metadata changed = *sealed;
  const s3::Metadata wished = ReadMetadata(pieces);
  for (const auto& [name, value] : wished) changed[name] = value;
  const auto read = metadata.Open("p/name", message, changed, complaint);
  if (!read) return;
  for (const char* name : {"mode", "uid", "mtime", "xattr"}) {
    Must(read->contains(name) == plain.contains(name), "no field comes or goes unnoticed");
    if (plain.contains(name)) Must(read->at(name) == plain.at(name), "no change is believed");
  }
}

}  // namespace coffer::test
