// The bind tag and sealed extended attributes: what differs has another tag, and nothing opens that
// was not sealed.

#include "crypto/name_tag.h"

#include "crypto/cursor.h"
#include "crypto/sealed_xattrs.h"
#include "tests/fuzz/fuzz.h"

namespace coffer::test {
namespace {

struct Bound {
  std::string volume;
  std::string name;
  BoundAttributes attributes;
  bool operator==(const Bound&) const = default;
};

Bound ReadBound(Pieces& pieces) {
  Bound bound{pieces.Text(), pieces.Text(), {}};
  for (int left = pieces.Byte() % 8; left > 0; --left) {
    std::string name = pieces.Text();
    bound.attributes[std::move(name)] = pieces.Text();
  }
  return bound;
}

BoundAttributes ParseCanonical(ByteView bytes) {
  BoundAttributes attributes;
  ByteReader reader(bytes);
  while (!reader.done()) {
    const std::string name(reader.ShortText().value());
    attributes[name] = reader.ShortText().value();
  }
  return attributes;
}

std::string TagOf(const Secret& key, const Bound& bound) {
  return BindTag(key, {bound.volume, bound.name, bound.attributes}).value();
}

}  // namespace

void FuzzNameTag(ByteView input) {
  Pieces pieces(input);
  SecretArena arena(4);
  const Secret key = arena.Copy(AsBytes(std::string(32, 'b'))).value();
  const Bound one = ReadBound(pieces);
  const Bound two = ReadBound(pieces);
  const std::string rest = pieces.Rest();
  Must(ParseCanonical(CanonicalAttributes(one.attributes).value()) == one.attributes,
       "canonical attributes can be read in one way only");
  const std::string tag = TagOf(key, one);
  Must(CheckBindTag(key, {one.volume, one.name, one.attributes}, tag).has_value(),
       "a tag is its own");
  Must((TagOf(key, two) == tag) == (one == two), "what differs has another tag");
  Must((rest == tag) == CheckBindTag(key, {one.volume, one.name, one.attributes}, rest).has_value(),
       "no other text is the tag");
  const Bytes sealed = SealXattrs(key, AsBytes(rest)).value();
  Must(AsText(OpenXattrs(key, sealed).value()) == rest, "sealed attributes open");
  const auto forged = OpenXattrs(key, AsBytes(rest));
  Must(!forged && forged.error().code == Code::kCorrupt, "what was not sealed does not open");
}

}  // namespace coffer::test
