#include "tests/support/volume.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <latch>
#include <memory>
#include <utility>

namespace coffer::test {

std::vector<std::string> Notes::lines() const {
  const Lock lock(mu_);
  return lines_;
}

void Notes::Add(const std::string& line) {
  const Lock lock(mu_);
  lines_.push_back(line);
}

fs::FilesystemOptions LongTtl() {
  fs::FilesystemOptions options;
  options.metadata_ttl = options.negative_ttl = std::chrono::minutes(1);
  options.attribute_delay = std::chrono::minutes(1);
  return options;
}

void MustEnd(const std::function<void()>& work) {
  const auto ended = std::async(std::launch::async, work);
  if (ended.wait_for(std::chrono::seconds(20)) == std::future_status::ready) return;
  std::fputs("a call that must end did not\n", stderr);
  std::abort();
}

void Quiesce(fs::WorkerPool& pool) {
  const auto all = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(pool.threads()) + 1);
  for (std::size_t i = 0; i < pool.threads(); ++i) pool.Submit([all] { all->arrive_and_wait(); });
  all->arrive_and_wait();
}

Volume::Volume(s3::ObjectStore& store, fs::FilesystemOptions options, Machine machine)
    : clock_(machine.clock != nullptr ? *machine.clock : system_clock_),
      pool_(machine.threads),
      renames_(store, pool_, {directory_.path(), "test", 8, 1000, &uploads_, options.locks}) {
  std::string notice;
  index_ = fs::AttributeIndex::Open({"", "test", 64u << 20}, &notice);
  options.rescue_directory = directory_.path() + "/rescue";
  fs_ = std::make_unique<fs::Filesystem>(
      fs::Filesystem::Parts{store, pool_, budget_, *index_, uploads_, renames_, clock_,
                            server_time_, notes_, machine.sealer},
      std::move(options));
}

Volume::~Volume() = default;

Result<Volume::Place> Volume::ParentOf(std::string_view path) {
  Place place;
  for (;;) {
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) {
      place.name = std::string(path);
      return place;
    }
    COFFER_ASSIGN(const fs::EntryReply entry, fs_->Lookup(place.parent, path.substr(0, slash)));
    if (entry.stat.attributes.type != fs::FileType::kDirectory) {
      return Error{Code::kNotDirectory, "a name below a file"};
    }
    place.parent = entry.node;
    path.remove_prefix(slash + 1);
  }
}

Result<fs::EntryReply> Volume::Look(std::string_view path) {
  if (path.empty()) return fs::EntryReply{fs::kRootNode, {}, {}};
  COFFER_ASSIGN(const Place place, ParentOf(path));
  return fs_->Lookup(place.parent, place.name);
}

Result<fs::NodeStat> Volume::Stat(std::string_view path) {
  COFFER_ASSIGN(const fs::EntryReply entry, Look(path));
  COFFER_ASSIGN(const fs::AttributesReply reply, fs_->GetAttributes(entry.node, std::nullopt));
  return reply.stat;
}

Result<fs::HandleId> Volume::Open(std::string_view path, int flags, std::uint32_t mode) {
  // The kernel looks once more when it is told that what it knows is old.
  for (int attempt = 1;; ++attempt) {
    auto found = Look(path);
    if (found && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
      return Error{Code::kExists, "exists"};
    }
    if (found) {
      auto opened = fs_->Open(found->node, flags, {});
      if (opened) return opened->handle;
      if (opened.error().code != Code::kChanged || attempt > 1) return std::move(opened).error();
      continue;
    }
    if (found.error().code != Code::kNotFound || (flags & O_CREAT) == 0) {
      return std::move(found).error();
    }
    COFFER_ASSIGN(const Place place, ParentOf(path));
    auto created = fs_->Create(place.parent, place.name, mode, flags, {});
    if (created) return created->open.handle;
    if (created.error().code != Code::kChanged || attempt > 1) return std::move(created).error();
  }
}

Status Volume::Close(fs::HandleId handle) {
  Status flushed = fs_->Flush(handle, {});
  fs_->Release(handle);
  return flushed;
}

Status Volume::Write(std::string_view path, std::string_view text, int flags) {
  COFFER_ASSIGN(const fs::HandleId handle, Open(path, O_WRONLY | O_CREAT | flags));
  Status written = Ok();
  constexpr std::size_t kPiece = 1u << 20;  // as the kernel cuts large writes
  for (std::size_t at = 0; written && at < text.size(); at += kPiece) {
    const std::string_view piece = text.substr(at, kPiece);
    auto one = fs_->Write(handle, at, AsBytes(piece));
    if (!one) written = std::move(one).error();
  }
  Status closed = Close(handle);
  return written ? std::move(closed) : std::move(written);
}

Result<std::string> Volume::Read(std::string_view path) {
  COFFER_ASSIGN(const fs::HandleId handle, Open(path, O_RDONLY));
  std::string text;
  constexpr std::size_t kPiece = 128u << 10;
  for (;;) {
    auto slices = fs_->Read(handle, text.size(), kPiece);
    if (!slices) {
      fs_->Release(handle);
      return std::move(slices).error();
    }
    const std::size_t before = text.size();
    for (const auto& slice : *slices) text += AsText(slice.bytes);
    if (text.size() == before) break;
  }
  COFFER_TRY(Close(handle));
  return text;
}

Status Volume::MakeDirectory(std::string_view path) {
  COFFER_ASSIGN(const Place place, ParentOf(path));
  if (fs_->Lookup(place.parent, place.name)) return Error{Code::kExists, "exists"};
  auto made = fs_->MakeDirectory(place.parent, place.name, 0755, {});
  if (!made) return std::move(made).error();
  return Ok();
}

Status Volume::Unlink(std::string_view path) {
  COFFER_ASSIGN(const Place place, ParentOf(path));
  return fs_->Unlink(place.parent, place.name);
}

Status Volume::RemoveDirectory(std::string_view path) {
  COFFER_ASSIGN(const Place place, ParentOf(path));
  return fs_->RemoveDirectory(place.parent, place.name);
}

Status Volume::Rename(std::string_view from, std::string_view to, bool no_replace) {
  COFFER_ASSIGN(const Place source, ParentOf(from));
  COFFER_ASSIGN(const Place target, ParentOf(to));
  return fs_->Rename(source.parent, source.name, target.parent, target.name, no_replace);
}

Status Volume::Change(std::string_view path, const fs::AttributeChange& change) {
  COFFER_ASSIGN(const fs::EntryReply entry, Look(path));
  auto changed = fs_->SetAttributes(entry.node, std::nullopt, change);
  if (!changed) return std::move(changed).error();
  return Ok();
}

Result<std::vector<std::string>> Volume::List(std::string_view path, bool with_entries) {
  COFFER_ASSIGN(const fs::EntryReply entry, Look(path));
  COFFER_ASSIGN(const fs::HandleId handle, fs_->OpenDirectory(entry.node));
  std::vector<std::string> names;
  Status read = fs_->ReadDirectory(handle, 0, with_entries, [&](const fs::DirectoryEntry& one) {
    if (one.name != "." && one.name != "..") names.push_back(one.name);
    return true;
  });
  fs_->ReleaseDirectory(handle);
  if (!read) return std::move(read).error();
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace coffer::test
