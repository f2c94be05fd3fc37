// The bind tag: what ties a sealed object to its name and its attributes, so that an object under
// another's name, or with other attributes, is noticed (coffer-format(5)).
//
//   tag = HMAC-SHA256(bind key, 01 | lp16(volume id) | lp16(name) | lp16(canonical attributes))
//
// where lp16 is a 16-bit length, big-endian, before the bytes; the volume id is its text form, as
// in the encryption context; the name is the object's key below the prefix of the volume. The
// object carries "1:" and the base64url of the first 16 bytes.
//
// Canonical attributes are lp16(name) | lp16(value) for each attribute that the request carries,
// sorted by the bytes of the names. An attribute that is absent does not occur; one with an empty
// value does. No count and no end mark: lp16 around the whole bounds it.
//
// Pure functions, safe from any thread.

#pragma once

#include <map>
#include <string>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "crypto/secret.h"

namespace coffer {

// Name to value, as they travel; each name once. Sorted by the bytes of the names.
using BoundAttributes = std::map<std::string, std::string>;

// What a tag is about.
struct NameBinding {
  std::string_view volume_id;
  std::string_view name;
  const BoundAttributes& attributes;
};

// kTooLarge when a name, a value or all of them together take over 65,535 bytes.
Result<Bytes> CanonicalAttributes(const BoundAttributes& attributes);

// The tag as it is stored, of 24 characters. `bind_key`: DeriveBindKey of the message.
Result<std::string> BindTag(const Secret& bind_key, const NameBinding& binding);

// kCorrupt unless `tag`, as stored, is that of `binding`; compared in constant time.
Status CheckBindTag(const Secret& bind_key, const NameBinding& binding, std::string_view tag);

}  // namespace coffer
