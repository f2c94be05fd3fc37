// The metadata of sealed objects: bound to the object's name and message, with the user's extended
// attributes sealed. What the filesystem sees and sets is the plain form; the bucket has the other.
//
// Borrows volume and arena. Immutable: safe from any thread; does not block.

#pragma once

#include <string>

#include "crypto/key_source.h"
#include "crypto/result.h"
#include "crypto/secret.h"
#include "fs/sealed_volume.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// The field of user metadata that every sealed object has, and nothing else.
inline constexpr const char* kBindField = "coffer-bind";

// The keys that a message gives to its metadata.
struct MessageIdentity {
  const DataKey& key;
  ByteView id;
};

class SealedMetadata {
 public:
  SealedMetadata(const SealedVolume& volume, SecretArena& arena) : volume_(volume), arena_(arena) {}

  // What is stored with the message under `key`.
  Result<s3::Metadata> Seal(const std::string& key, const MessageIdentity& message,
                            s3::Metadata plain) const;
  // The plain form of what was stored. kCorrupt when the tag is missing, when it is another
  // object's, or when an attribute that it binds was changed; with --name-binding=warn that is
  // kept in `complaint` instead. kCorrupt also for extended attributes that do not open.
  Result<s3::Metadata> Open(const std::string& key, const MessageIdentity& message,
                            s3::Metadata stored, std::string& complaint) const;

  // What is stored from now on where an object is taken for what it is called, with the attributes
  // that came with it: whoever asks for that trusts the bucket for both. kCorrupt for extended
  // attributes that do not open.
  Result<s3::Metadata> Rebound(const std::string& key, const MessageIdentity& message,
                               s3::Metadata stored) const;
  // Whether the tag that was stored is that of this name, this message and these attributes;
  // kCorrupt where it is not, or where there is none. Whatever the volume's binding.
  Status Bound(const std::string& key, const MessageIdentity& message,
               const s3::Metadata& stored) const;

  // Whether the extended attributes that were stored open; kCorrupt where they do not.
  Status OpensXattrs(const MessageIdentity& message, const s3::Metadata& stored) const;

  // The plain form as far as it can be told without keys: what HEAD and LIST show. Extended
  // attributes are still sealed: see IsSealed.
  static s3::Metadata Unproved(s3::Metadata stored);
  static bool HasXattrs(const s3::Metadata& metadata);
  static void DropXattrs(s3::Metadata& metadata);

 private:
  Result<std::string> OpenXattrs(const MessageIdentity& message, const std::string& sealed) const;
  std::string BelowPrefix(const std::string& key) const;

  const SealedVolume& volume_;
  SecretArena& arena_;
};

}  // namespace coffer::fs
