// One file being written: its Writer, and what the commit will say of it beside the bytes.
//
// All descriptors open for writing on one node share one OpenFile, so that they see one content and
// make one object. Calls into the Writer block on the network and are ordered by a Turn, which is
// no lock around memory: whoever has the turn may wait.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "fs/attributes.h"
#include "fs/mutex.h"
#include "fs/tree.h"
#include "fs/turn.h"
#include "fs/writer.h"

namespace coffer::fs {

// Members below `turn` belong to whoever holds it; those above are constant or guarded as said.
struct OpenFile {
  OpenFile(const Writer::Shared& shared, std::string key_now, s3::NewObject object, NodePtr file)
      : node(std::move(file)),
        opened_as(key_now),
        key(key_now),
        headers(object.headers),
        data_key(object.data_key),
        writer(shared, std::move(key_now), std::move(object)) {}

  const NodePtr node;
  const std::string
      opened_as;    // its first key: st_ino comes from there, until the kernel asks again
  int handles = 0;  // open for writing; guarded by Tree::mu
  // Attributes were sent by a copy just when the file was opened: the version to start from now.
  // Guarded by Tree::mu.
  std::optional<FileVersion> copied;
  // What the bucket gave to the version that this file made here: it does not stop its own writer.
  // Guarded by Tree::mu.
  std::optional<s3::Lock> given_lock;

  Turn turn;
  std::string key;  // where the writer writes; the node's own, unless a directory was renamed
  const s3::ContentHeaders headers;
  const DataKeyPtr data_key;  // of a sealed volume, from when the file was opened
  Writer writer;
  s3::Metadata metadata;         // foreign fields and xattrs, kept over the commit
  bool exclusive = false;        // made by O_EXCL: a lost race is EEXIST
  bool unlinked = false;         // its name is gone: commits nothing
  bool explicit_mtime = false;   // set by utimens: later writes do not move what was asked for
  bool attributes_late = false;  // changed after the stream had fixed its metadata
  std::optional<Error> failed;   // sticks: every later write, fsync and close says so
};

}  // namespace coffer::fs
