#include "fs/reader.h"

#include <algorithm>
#include <map>
#include <new>
#include <optional>
#include <utility>

#include "fs/mutex.h"

namespace coffer::fs {
namespace {

struct Buffer {
  Bytes bytes;
  Reservation memory;  // empty for what was fetched outside the budget
};
using SharedBuffer = std::shared_ptr<const Buffer>;

// One range of the object, from the decision to fetch it until it is dropped. All but the range is
// guarded by the reader's mutex.
struct Block {
  // kPlanned asks for memory; kQueued may be claimed by the pool or by a read, whoever comes first.
  enum class Phase { kPlanned, kQueued, kFetching, kReady, kFailed };

  explicit Block(s3::Range r) : range(r) {}
  std::uint64_t end() const { return range.offset + range.size; }

  const s3::Range range;
  Phase phase = Phase::kPlanned;
  Reservation memory;   // while kQueued and kFetching
  SharedBuffer buffer;  // when kReady
  std::uint64_t returned = 0;
};
using SharedBlock = std::shared_ptr<Block>;

// A stretch of one read: of a block, or, without one, bytes that nobody is fetching.
struct Piece {
  SharedBlock block;
  s3::Range range;
};

}  // namespace

struct Reader::State : public MemoryHolder, public std::enable_shared_from_this<Reader::State> {
  State(const Shared& s, std::string k, FileVersion v)
      : shared(s), key(std::move(k)), version(std::move(v)), pattern(s.options, version.size) {}
  ~State() override;

  std::vector<Piece> Begin(std::uint64_t offset, std::uint64_t end,
                           std::vector<SharedBlock>& planned);
  void Launch(const std::vector<SharedBlock>& planned, const SharedBlock& mine);
  std::vector<Piece> WithoutFailed(std::vector<Piece> pieces);
  Result<Slice> Obtain(const Piece& piece);
  bool Claim(Block& block);
  Status Fill(Block& block);
  Result<Slice> FetchAlone(s3::Range range);
  Result<Bytes> Fetch(s3::Range range);
  void GiveBack(std::chrono::steady_clock::time_point idle_since) override;

  std::vector<s3::Range> Holes(s3::Range range) const REQUIRES(mu);
  std::vector<Piece> Cover(std::uint64_t offset, std::uint64_t end) const REQUIRES(mu);
  std::uint64_t Held() const REQUIRES(mu);
  void Admit(Block& block, Reservation memory) REQUIRES(mu);
  void DropUnwanted() REQUIRES(mu);
  void Fail(Block& block) REQUIRES(mu);
  void CountDropped(const Block& block);

  const Shared shared;
  const std::string key;
  const FileVersion version;
  Mutex mu;
  Condition arrived;
  AccessPattern pattern GUARDED_BY(mu);
  std::map<std::uint64_t, SharedBlock> blocks GUARDED_BY(mu);  // by offset; they do not overlap
  std::chrono::steady_clock::time_point last_read GUARDED_BY(mu) = std::chrono::steady_clock::now();
  bool closed GUARDED_BY(mu) = false;
};

Reader::State::~State() {
  for (const auto& [offset, block] : blocks) CountDropped(*block);
}

void Reader::State::CountDropped(const Block& block) {
  if (block.phase != Block::Phase::kReady) return;
  shared.counters->bytes_in_vain += block.range.size - std::min(block.range.size, block.returned);
}

// The parts of `range` that no block covers.
std::vector<s3::Range> Reader::State::Holes(s3::Range range) const {
  std::vector<s3::Range> holes;
  const std::uint64_t end = range.offset + range.size;
  std::uint64_t at = range.offset;
  auto next = blocks.upper_bound(at);
  if (next != blocks.begin()) at = std::max(at, std::prev(next)->second->end());
  while (at < end) {
    const std::uint64_t stop = next == blocks.end() ? end : std::min(end, next->first);
    if (at < stop) holes.push_back({at, stop - at});
    if (next == blocks.end()) break;
    at = std::max(at, next->second->end());
    ++next;
  }
  return holes;
}

std::vector<Piece> Reader::State::Cover(std::uint64_t offset, std::uint64_t end) const {
  std::vector<Piece> pieces;
  for (std::uint64_t at = offset; at < end;) {
    auto next = blocks.upper_bound(at);
    if (next != blocks.begin() && std::prev(next)->second->end() > at) {
      const SharedBlock& block = std::prev(next)->second;
      pieces.push_back({block, {at, std::min(end, block->end()) - at}});
    } else {
      const std::uint64_t stop = next == blocks.end() ? end : std::min(end, next->first);
      pieces.push_back({nullptr, {at, stop - at}});
    }
    at += pieces.back().range.size;
  }
  return pieces;
}

// Memory of the budget that this reader's blocks take.
std::uint64_t Reader::State::Held() const {
  std::uint64_t held = 0;
  for (const auto& [offset, block] : blocks) {
    held += block->memory.size() + (block->buffer ? block->buffer->memory.size() : 0);
  }
  return held;
}

void Reader::State::Fail(Block& block) {
  block.phase = Block::Phase::kFailed;
  block.memory.Shrink(0);
  const auto found = blocks.find(block.range.offset);
  if (found != blocks.end() && found->second.get() == &block) blocks.erase(found);
}

void Reader::State::DropUnwanted() {
  for (auto it = blocks.begin(); it != blocks.end();) {
    const SharedBlock block = it->second;
    const bool loose =
        block->phase == Block::Phase::kReady || block->phase == Block::Phase::kQueued;
    ++it;
    if (!loose || pattern.Wants(block->range.offset, block->end())) continue;
    CountDropped(*block);
    if (block->phase == Block::Phase::kQueued) {
      Fail(*block);
    } else {
      blocks.erase(block->range.offset);
    }
  }
}

// Decides what this read fetches and what comes ahead of it. The new blocks are visible to other
// reads at once, so that nothing is fetched twice.
std::vector<Piece> Reader::State::Begin(std::uint64_t offset, std::uint64_t end,
                                        std::vector<SharedBlock>& planned) {
  Lock lock(mu);
  // Half of what others leave: then several readers come to rest at equal shares.
  const std::uint64_t others = shared.budget.used() - std::min(shared.budget.used(), Held());
  const std::uint64_t room = (shared.budget.limit() - others) / 2;
  last_read = std::chrono::steady_clock::now();
  for (const s3::Range wanted : pattern.Plan(offset, end, room)) {
    for (const s3::Range hole : Holes(wanted)) {
      planned.push_back(std::make_shared<Block>(hole));
      blocks.emplace(hole.offset, planned.back());
    }
  }
  DropUnwanted();
  std::vector<Piece> pieces = Cover(offset, end);
  for (const Piece& piece : pieces) {
    if (piece.block != nullptr) piece.block->returned += piece.range.size;
  }
  return pieces;
}

// Takes memory for the planned blocks and hands them to the pool; `mine` is left to the caller.
void Reader::State::Launch(const std::vector<SharedBlock>& planned, const SharedBlock& mine) {
  std::vector<Reservation> memory(planned.size());
  for (std::size_t i = 0; i < planned.size(); ++i) {
    memory[i] = shared.budget.TryReserve(planned[i]->range.size);
    if (memory[i].size() == 0) break;
  }
  {
    Lock lock(mu);
    for (std::size_t i = 0; i < planned.size(); ++i) Admit(*planned[i], std::move(memory[i]));
  }
  arrived.NotifyAll();
  for (const SharedBlock& block : planned) {
    if (block == mine) continue;
    shared.pool.Submit([self = shared_from_this(), block] {
      // What goes wrong ahead of time is of interest to nobody yet.
      if (self->Claim(*block)) static_cast<void>(self->Fill(*block).has_value());
    });
  }
}

void Reader::State::Admit(Block& block, Reservation memory) {
  if (memory.size() == 0) {
    Fail(block);
    pattern.Retreat(block.range.offset);
    return;
  }
  block.memory = std::move(memory);
  block.phase = Block::Phase::kQueued;
}

// What got no memory is fetched for this read alone, neighbours in one request.
std::vector<Piece> Reader::State::WithoutFailed(std::vector<Piece> pieces) {
  std::vector<Piece> merged;
  Lock lock(mu);
  for (Piece& piece : pieces) {
    if (piece.block != nullptr && piece.block->phase == Block::Phase::kFailed)
      piece.block = nullptr;
    if (piece.block == nullptr && !merged.empty() && merged.back().block == nullptr) {
      merged.back().range.size += piece.range.size;
    } else {
      merged.push_back(std::move(piece));
    }
  }
  return merged;
}

bool Reader::State::Claim(Block& block) {
  Lock lock(mu);
  if (block.phase != Block::Phase::kQueued) return false;
  if (closed) {
    Fail(block);
    return false;
  }
  block.phase = Block::Phase::kFetching;
  return true;
}

// Fetches a claimed block.
Status Reader::State::Fill(Block& block) {
  auto fetched = Fetch(block.range);
  std::optional<Error> failed;
  {
    Lock lock(mu);
    if (fetched) {
      auto buffer = std::make_shared<Buffer>();
      buffer->bytes = std::move(fetched).value();
      buffer->memory = std::move(block.memory);
      block.buffer = std::move(buffer);
      block.phase = Block::Phase::kReady;
    } else {
      failed = std::move(fetched).error();
      Fail(block);
      pattern.Retreat(block.range.offset);
    }
  }
  arrived.NotifyAll();
  if (failed) return std::move(*failed);
  return Ok();
}

Result<Slice> Reader::State::Obtain(const Piece& piece) {
  if (piece.block == nullptr) return FetchAlone(piece.range);
  Block& block = *piece.block;
  SharedBuffer buffer;
  for (bool ended = false; !ended;) {
    if (Claim(block)) COFFER_TRY(Fill(block));
    Lock lock(mu);
    while (block.phase == Block::Phase::kPlanned || block.phase == Block::Phase::kFetching) {
      arrived.Wait(mu);
    }
    ended = block.phase != Block::Phase::kQueued;  // which it becomes when it has its memory
    buffer = block.buffer;
  }
  // Somebody else's attempt failed, or there was no memory for the whole block.
  if (buffer == nullptr) return FetchAlone(piece.range);
  const auto bytes =
      ByteView(buffer->bytes).subspan(piece.range.offset - block.range.offset, piece.range.size);
  return Slice{std::move(buffer), bytes};
}

// Exactly these bytes, for this read alone.
Result<Slice> Reader::State::FetchAlone(s3::Range range) {
  auto buffer = std::make_shared<Buffer>();
  buffer->memory = shared.budget.TryReserve(range.size);
  COFFER_ASSIGN(buffer->bytes, Fetch(range));
  const ByteView bytes = buffer->bytes;
  return Slice{std::move(buffer), bytes};
}

Result<Bytes> Reader::State::Fetch(s3::Range range) {
  std::optional<Result<s3::Fetched>> reply;
  try {
    reply = shared.store.Get(
        key, range, {.etag = version.etag, .version_id = version.version_id, .size = version.size});
  } catch (const std::bad_alloc&) {
    return Error{Code::kNoMemory, "no memory for a range of " + std::to_string(range.size)};
  }
  if (!*reply) {
    Error error = std::move(*reply).error();
    // The handle's file existed when it was opened: without it there is nothing left to read.
    if (error.code == Code::kNotFound) error.code = Code::kChanged;
    return error;
  }
  s3::Fetched& fetched = **reply;
  shared.counters->bytes_fetched += fetched.body.size();
  if (!version.etag.empty() && fetched.info.etag != version.etag) {
    return Error{Code::kChanged, "the service answered with another version: ETag " +
                                     fetched.info.etag + ", not " + version.etag};
  }
  if (fetched.info.size != version.size || fetched.body.size() != range.size) {
    return Error{Code::kUnavailable,
                 "the service answered with " + std::to_string(fetched.body.size()) + " bytes of " +
                     std::to_string(fetched.info.size) + " where " + std::to_string(range.size) +
                     " of " + std::to_string(version.size) + " were expected"};
  }
  return std::move(fetched.body);
}

void Reader::State::GiveBack(std::chrono::steady_clock::time_point idle_since) {
  std::vector<SharedBlock> dropped;  // their memory goes after the lock
  Lock lock(mu);
  if (last_read >= idle_since || blocks.empty()) return;
  for (auto it = blocks.begin(); it != blocks.end();) {
    if (it->second->phase != Block::Phase::kReady) {
      ++it;
      continue;
    }
    CountDropped(*it->second);
    dropped.push_back(std::move(it->second));
    it = blocks.erase(it);
  }
  pattern.Forget();
}

Reader::Reader(const Shared& shared, std::string key, FileVersion version)
    : state_(std::make_shared<State>(shared, std::move(key), std::move(version))) {
  shared.budget.Register(state_);
}

Reader::~Reader() {
  Lock lock(state_->mu);
  state_->closed = true;
}

Result<std::vector<Slice>> Reader::Read(std::uint64_t offset, std::size_t size) {
  std::vector<Slice> slices;
  if (offset >= state_->version.size || size == 0) return slices;
  const std::uint64_t end = offset + std::min<std::uint64_t>(size, state_->version.size - offset);

  std::vector<SharedBlock> planned;
  std::vector<Piece> pieces = state_->Begin(offset, end, planned);
  if (!planned.empty()) {
    state_->Launch(planned, pieces.front().block);
    pieces = state_->WithoutFailed(std::move(pieces));
  }
  slices.reserve(pieces.size());
  for (const Piece& piece : pieces) {
    COFFER_ASSIGN(Slice slice, state_->Obtain(piece));
    slices.push_back(std::move(slice));
  }
  state_->shared.counters->bytes_returned += end - offset;
  return slices;
}

void Reader::Prime(Bytes head) {
  if (head.empty() || head.size() > state_->version.size) return;
  const auto block = std::make_shared<Block>(s3::Range{0, head.size()});
  auto buffer = std::make_shared<Buffer>();
  buffer->memory = state_->shared.budget.TryReserve(head.size());
  if (buffer->memory.size() == 0) return;  // it costs one more GET
  buffer->bytes = std::move(head);
  block->buffer = std::move(buffer);
  block->phase = Block::Phase::kReady;
  Lock lock(state_->mu);
  if (!state_->blocks.empty()) return;
  state_->blocks.emplace(0, block);
  state_->pattern.Primed(block->range.size);
}

}  // namespace coffer::fs
