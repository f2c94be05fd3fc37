#include "fs/spool_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include "crypto/aead.h"
#include "crypto/encoding.h"
#include "crypto/openssl.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kChunk = 64u << 10;
constexpr std::size_t kSealedChunk = kChunk + kTagSize;

// Under a key of its own, the number of a chunk is used once.
Nonce NonceOf(std::uint64_t chunk) {
  Nonce nonce{};
  for (std::size_t i = 0; i < sizeof chunk; ++i) {
    nonce[nonce.size() - 1 - i] = static_cast<std::byte>(chunk >> (8 * i));
  }
  return nonce;
}

}  // namespace

std::uint64_t SpoolFile::DiskSize(std::uint64_t plain) {
  return plain + (plain / kChunk + 1) * kTagSize;
}

Result<SpoolFile> SpoolFile::Make(const std::string& directory, SecretArena& arena) {
  std::array<std::byte, 16> name{};
  COFFER_TRY(RandomBytes(name));
  COFFER_ASSIGN(PrivateFile file, PrivateFile::Create(directory + "/" + HexEncode(name)));
  COFFER_TRY(RemoveFile(file.path()));
  COFFER_ASSIGN(Secret key, arena.Random(32));
  return SpoolFile(std::move(file), std::move(key));
}

Status SpoolFile::Write(ByteView chunk) {
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForSealing(key_.view()));
  Bytes sealed(chunk.size() + kTagSize);
  COFFER_TRY(cipher.Seal(NonceOf(chunks_), {}, chunk, sealed));
  ++chunks_;
  size_ += chunk.size();
  return file_.Append(sealed);
}

Status SpoolFile::Append(ByteView plain) {
  while (!plain.empty()) {
    const std::size_t step = std::min(plain.size(), kChunk - pending_.size());
    coffer::Append(pending_, plain.first(step));
    plain = plain.subspan(step);
    if (pending_.size() < kChunk) return Ok();
    COFFER_TRY(Write(pending_));
    pending_.clear();
  }
  return Ok();
}

Status SpoolFile::Finish() {
  if (!pending_.empty()) COFFER_TRY(Write(pending_));
  Bytes().swap(pending_);
  return Ok();
}

Result<Bytes> SpoolFile::Read(s3::Range range) const {
  if (range.offset >= size_) return Bytes();
  const std::uint64_t end = range.offset + std::min(range.size, size_ - range.offset);
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForOpening(key_.view()));
  Bytes out;
  out.reserve(end - range.offset);
  Bytes sealed;
  Bytes plain;
  for (std::uint64_t chunk = range.offset / kChunk; chunk * kChunk < end; ++chunk) {
    const std::uint64_t begin = chunk * kChunk;
    plain.resize(std::min<std::uint64_t>(kChunk, size_ - begin));
    sealed.resize(plain.size() + kTagSize);
    COFFER_TRY(file_.ReadAt(chunk * kSealedChunk, sealed));
    COFFER_TRY(cipher.Open(NonceOf(chunk), {}, sealed, plain));
    const std::uint64_t from = std::max(range.offset, begin) - begin;
    const std::uint64_t to = std::min(end, begin + plain.size()) - begin;
    coffer::Append(out, ByteView(plain).subspan(from, to - from));
  }
  return out;
}

}  // namespace coffer::fs
