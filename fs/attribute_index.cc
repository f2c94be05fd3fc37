#include "fs/attribute_index.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fs/mutex.h"
#include "fs/sqlite.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kBufferedRows = 1000;
constexpr std::chrono::seconds kBufferedFor{1};
constexpr std::chrono::milliseconds kCheapCount{5};
constexpr std::uint64_t kMemoryLimit = 64u << 20;  // of an index that has no file
constexpr std::int64_t kSettled_s = 2;  // two changes within one second look alike in a listing
constexpr std::array kFields = {"mode",       "uid",        "gid",        "mtime",
                                "ctime",      "atime",      "xattr",      "file-permissions",
                                "file-owner", "file-group", "file-mtime", "file-atime"};

// `used` is in milliseconds, for dropping what was not used for longest; keys are any bytes.
constexpr Database::Schema kSchema = {
    2,
    "DROP TABLE IF EXISTS attributes;"
    "CREATE TABLE attributes(key BLOB PRIMARY KEY, etag BLOB NOT NULL, modified INTEGER NOT NULL,"
    " size INTEGER NOT NULL, metadata BLOB NOT NULL, used INTEGER NOT NULL, taken INTEGER NOT NULL,"
    " lock_mode BLOB NOT NULL, lock_until INTEGER NOT NULL, lock_hold INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE INDEX by_use ON attributes(used);"
    "PRAGMA user_version = 2;"};

constexpr const char* kIndexSettings =
    "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304; PRAGMA cache_size = -4096;";

struct IndexRow {
  std::string etag;
  std::int64_t modified_s = 0;
  std::uint64_t size = 0;
  std::string metadata;
  std::int64_t taken_s = 0;
  s3::Lock lock;
};

std::int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Name, NUL, value, NUL ...; nothing when a value holds a NUL itself, which no header can.
std::optional<std::string> Pack(const s3::Metadata& metadata) {
  std::string packed;
  for (const char* name : kFields) {
    const auto it = metadata.find(name);
    if (it == metadata.end()) continue;
    if (it->second.find('\0') != std::string::npos) return std::nullopt;
    packed.append(it->first).push_back('\0');
    packed.append(it->second).push_back('\0');
  }
  return packed;
}

s3::Metadata Unpack(std::string_view packed) {
  s3::Metadata metadata;
  while (!packed.empty()) {
    const std::size_t name = packed.find('\0');
    const std::size_t value = name == packed.npos ? packed.npos : packed.find('\0', name + 1);
    if (value == packed.npos) break;
    metadata.emplace(packed.substr(0, name), packed.substr(name + 1, value - name - 1));
    packed.remove_prefix(value + 1);
  }
  return metadata;
}

// One connection and its statements. Not thread-safe.
class IndexDatabase {
 public:
  // "" opens a database in memory. An SQLite code.
  int Open(const std::string& path, std::uint64_t limit_bytes);
  void Close();
  bool is_open() const { return db_.is_open(); }
  std::string message() const { return db_.message(); }

  int Find(std::string_view key, std::optional<IndexRow>& row, std::int64_t& used_ms);
  // All of it or nothing: rows to write, keys to drop, keys that were used.
  using Rows = std::unordered_map<std::string, std::optional<IndexRow>>;
  int Write(const Rows& rows, const std::vector<std::string>& used);
  std::uint64_t Bytes();
  std::uint64_t CountRows();

 private:
  int WriteRows(const Rows& rows, const std::vector<std::string>& used);
  int PrepareAll();
  int Trim();

  Database db_;
  std::uint64_t limit_bytes_ = 0;
  Statement find_, put_, erase_, touch_, trim_;
};

int IndexDatabase::Open(const std::string& path, std::uint64_t limit_bytes) {
  limit_bytes_ = limit_bytes;
  const int code = db_.Open(path, kIndexSettings, kSchema);
  return code == SQLITE_OK ? PrepareAll() : code;
}

void IndexDatabase::Close() {
  for (Statement* statement : {&find_, &put_, &erase_, &touch_, &trim_}) statement->reset();
  db_.Close();
}

int IndexDatabase::PrepareAll() {
  const std::pair<const char*, Statement*> statements[] = {
      {"SELECT etag, modified, size, metadata, used, taken, lock_mode, lock_until, lock_hold"
       " FROM attributes WHERE key = ?",
       &find_},
      {"INSERT OR REPLACE INTO attributes VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &put_},
      {"DELETE FROM attributes WHERE key = ?", &erase_},
      {"UPDATE attributes SET used = ? WHERE key = ?", &touch_},
      {"DELETE FROM attributes WHERE key IN (SELECT key FROM attributes ORDER BY used LIMIT ?)",
       &trim_},
  };
  for (const auto& [sql, statement] : statements) {
    const int code = db_.Prepare(sql, *statement);
    // Our version over a table that is not ours: nothing of use is in there.
    if (code == SQLITE_ERROR) return SQLITE_CORRUPT;
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

int IndexDatabase::Find(std::string_view key, std::optional<IndexRow>& row, std::int64_t& used_ms) {
  Bind(find_, 1, key);
  const int code = sqlite3_step(find_.get());
  if (code == SQLITE_ROW) {
    row = IndexRow{
        std::string(Column(find_, 0)),
        NumberColumn(find_, 1),
        static_cast<std::uint64_t>(NumberColumn(find_, 2)),
        std::string(Column(find_, 3)),
        NumberColumn(find_, 5),
        {std::string(Column(find_, 6)), NumberColumn(find_, 7), NumberColumn(find_, 8) != 0}};
    used_ms = NumberColumn(find_, 4);
  }
  sqlite3_reset(find_.get());
  sqlite3_clear_bindings(find_.get());
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int IndexDatabase::Write(const Rows& rows, const std::vector<std::string>& used) {
  int code = db_.Execute("BEGIN IMMEDIATE");
  if (code != SQLITE_OK) return code;
  code = WriteRows(rows, used);
  if (code == SQLITE_OK) code = Trim();
  if (code == SQLITE_OK) code = db_.Execute("COMMIT");
  if (code != SQLITE_OK) db_.Execute("ROLLBACK");
  return code;
}

int IndexDatabase::WriteRows(const Rows& rows, const std::vector<std::string>& used) {
  const std::int64_t now_ms = NowMs();
  int code = SQLITE_OK;
  for (const auto& [key, row] : rows) {
    Bind(row ? put_ : erase_, 1, key);
    if (row) {
      Bind(put_, 2, row->etag);
      Bind(put_, 3, row->modified_s);
      Bind(put_, 4, static_cast<std::int64_t>(row->size));
      Bind(put_, 5, row->metadata);
      Bind(put_, 6, now_ms);
      Bind(put_, 7, row->taken_s);
      Bind(put_, 8, row->lock.mode);
      Bind(put_, 9, row->lock.retain_until_s);
      Bind(put_, 10, std::int64_t{row->lock.legal_hold});
    }
    code = db_.Run(row ? put_ : erase_);
    if (code != SQLITE_OK) return code;
  }
  for (const std::string& key : used) {
    Bind(touch_, 1, now_ms);
    Bind(touch_, 2, key);
    code = db_.Run(touch_);
    if (code != SQLITE_OK) return code;
  }
  return code;
}

std::uint64_t IndexDatabase::Bytes() {
  const std::int64_t pages = db_.Number("PRAGMA page_count") - db_.Number("PRAGMA freelist_count");
  const std::int64_t size = db_.Number("PRAGMA page_size");
  return pages > 0 && size > 0 ? static_cast<std::uint64_t>(pages * size) : 0;
}

std::uint64_t IndexDatabase::CountRows() {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, db_.Number("SELECT count(*) FROM attributes")));
}

// Down to nine tenths, so that not every write has to do it again.
int IndexDatabase::Trim() {
  const std::uint64_t bytes = Bytes();
  if (bytes <= limit_bytes_) return SQLITE_OK;
  const auto rows = static_cast<double>(CountRows());
  const double share = 1 - 0.9 * static_cast<double>(limit_bytes_) / static_cast<double>(bytes);
  Bind(trim_, 1, static_cast<std::int64_t>(rows * share) + 1);
  if (const int code = db_.Run(trim_); code != SQLITE_OK) return code;
  return db_.Execute("PRAGMA incremental_vacuum");
}

class SqliteIndex final : public AttributeIndex {
 public:
  SqliteIndex(std::string path, std::uint64_t limit_bytes, std::int64_t touch_after_s)
      : path_(std::move(path)), limit_bytes_(limit_bytes), touch_after_s_(touch_after_s) {}
  ~SqliteIndex() override { Flush(); }

  // What is wrong, "" when nothing is.
  std::string Start();

  std::optional<IndexedObject> Find(const IndexKey& key) override;
  void Store(std::string_view key, const s3::ObjectInfo& info) override;
  void Erase(std::string_view key) override;
  void Flush() override;
  Stats stats() const override;

 private:
  std::string OpenFile() REQUIRES(mu_);
  void OpenMemory() REQUIRES(mu_);
  void Add(std::string_view key, std::optional<IndexRow> row) REQUIRES(mu_);
  void FlushIfDue() REQUIRES(mu_);
  void FlushLocked() REQUIRES(mu_);
  std::optional<IndexRow> Load(std::string_view key) REQUIRES(mu_);
  // A damaged file is set aside, and an empty one takes its place.
  void Recover(int code) REQUIRES(mu_);

  const std::string path_;
  const std::uint64_t limit_bytes_;
  const std::int64_t touch_after_s_;
  mutable Mutex mu_;
  mutable IndexDatabase connection_ GUARDED_BY(mu_);
  bool persistent_ GUARDED_BY(mu_) = false;
  IndexDatabase::Rows pending_ GUARDED_BY(mu_);    // no row: to be erased
  std::vector<std::string> used_ GUARDED_BY(mu_);  // keys of rows used after a long time
  std::chrono::steady_clock::time_point pending_since_ GUARDED_BY(mu_);
  std::uint64_t hits_ GUARDED_BY(mu_) = 0;
  std::uint64_t misses_ GUARDED_BY(mu_) = 0;
  // Counting a large table takes a while, so the answer is kept in proportion to what it cost.
  mutable std::uint64_t counted_rows_ GUARDED_BY(mu_) = 0;
  mutable std::chrono::steady_clock::time_point count_valid_until_ GUARDED_BY(mu_);
};

std::string SqliteIndex::Start() {
  const Lock lock(mu_);
  std::string notice;
  if (!path_.empty()) notice = OpenFile();
  if (!connection_.is_open()) OpenMemory();
  return notice;
}

std::string SqliteIndex::OpenFile() {
  if (const auto made = MakeDatabaseFile(path_); !made) return made.error().what;
  int code = connection_.Open(path_, limit_bytes_);
  std::string notice;
  if (IsDamage(code)) {
    notice = path_ + " was damaged (" + connection_.message() +
             "): it is kept as .damaged and begun anew";
    Recover(code);
    code = connection_.is_open() && persistent_ ? SQLITE_OK : code;
  }
  persistent_ = code == SQLITE_OK;
  if (persistent_) return notice;
  const std::string reason = connection_.message();
  connection_.Close();
  return path_ + ": " + reason;
}

void SqliteIndex::OpenMemory() {
  persistent_ = false;
  if (connection_.Open("", std::min(limit_bytes_, kMemoryLimit)) != SQLITE_OK) connection_.Close();
}

void SqliteIndex::Recover(int code) {
  if (!IsDamage(code)) return;
  connection_.Close();
  // Where this fails the file stays as it is, and the index goes on in memory.
  SetDatabaseAside(path_);
  persistent_ = MakeDatabaseFile(path_) && connection_.Open(path_, limit_bytes_) == SQLITE_OK;
  if (persistent_) return;
  connection_.Close();
  OpenMemory();
}

std::optional<IndexRow> SqliteIndex::Load(std::string_view key) {
  const auto pending = pending_.find(std::string(key));
  if (pending != pending_.end()) return pending->second;
  if (!connection_.is_open()) return std::nullopt;
  std::optional<IndexRow> row;
  std::int64_t used_ms = 0;
  const int code = connection_.Find(key, row, used_ms);
  if (code != SQLITE_OK) Recover(code);
  if (row && NowMs() >= used_ms + touch_after_s_ * 1000) {
    if (pending_.empty() && used_.empty()) pending_since_ = std::chrono::steady_clock::now();
    used_.emplace_back(key);
  }
  return row;
}

std::optional<IndexedObject> SqliteIndex::Find(const IndexKey& key) {
  const Lock lock(mu_);
  FlushIfDue();
  const std::optional<IndexRow> row = Load(key.key);
  if (row && row->etag == key.etag && row->modified_s == key.last_modified_s &&
      row->size == key.size) {
    ++hits_;
    return IndexedObject{Unpack(row->metadata), row->lock, row->taken_s};
  }
  ++misses_;
  return std::nullopt;
}

void SqliteIndex::Add(std::string_view key, std::optional<IndexRow> row) {
  if (!connection_.is_open()) return;
  if (pending_.empty() && used_.empty()) pending_since_ = std::chrono::steady_clock::now();
  pending_[std::string(key)] = std::move(row);
  FlushIfDue();
}

void SqliteIndex::Store(std::string_view key, const s3::ObjectInfo& info) {
  if (info.server_date_s < info.last_modified_s + kSettled_s) return;
  std::optional<std::string> packed = Pack(info.metadata);
  if (!packed) return;
  const Lock lock(mu_);
  Add(key, IndexRow{info.etag, info.last_modified_s, info.size, std::move(*packed),
                    info.server_date_s, info.lock});
}

void SqliteIndex::Erase(std::string_view key) {
  const Lock lock(mu_);
  Add(key, std::nullopt);
}

void SqliteIndex::FlushIfDue() {
  if (pending_.empty() && used_.empty()) return;
  const bool many = pending_.size() + used_.size() >= kBufferedRows;
  if (many || std::chrono::steady_clock::now() - pending_since_ >= kBufferedFor) FlushLocked();
}

void SqliteIndex::FlushLocked() {
  if ((pending_.empty() && used_.empty()) || !connection_.is_open()) return;
  int code = connection_.Write(pending_, used_);
  if (IsDamage(code)) {
    Recover(code);
    if (connection_.is_open()) connection_.Write(pending_, {});
  }
  // What could not be written (a full disk, a file that stays locked) is asked for again one day.
  pending_.clear();
  used_.clear();
}

void SqliteIndex::Flush() {
  const Lock lock(mu_);
  FlushLocked();
}

AttributeIndex::Stats SqliteIndex::stats() const {
  const Lock lock(mu_);
  Stats stats;
  stats.hits = hits_;
  stats.misses = misses_;
  stats.persistent = persistent_;
  if (!connection_.is_open()) return stats;
  const auto begin = std::chrono::steady_clock::now();
  if (begin >= count_valid_until_) {
    constexpr int kShare = 20;
    counted_rows_ = connection_.CountRows();
    const auto cost = std::chrono::steady_clock::now() - begin;
    count_valid_until_ = cost < kCheapCount ? begin : begin + kShare * cost;
  }
  stats.rows = counted_rows_;
  stats.bytes = connection_.Bytes();
  return stats;
}

}  // namespace

std::unique_ptr<AttributeIndex> AttributeIndex::Open(const Options& options, std::string* notice) {
  std::string trouble;
  std::string path;
  if (!options.directory.empty()) {
    auto found = DatabasePath(options.directory, "attributes", options.volume);
    if (!found) trouble = found.error().what;
    if (found) path = *std::move(found);
  }
  auto index = std::make_unique<SqliteIndex>(path, options.limit_bytes, options.touch_after_s);
  const std::string told = index->Start();
  if (trouble.empty()) trouble = told;
  if (!trouble.empty()) {
    trouble = "attribute index: " + trouble;
    if (!index->stats().persistent) {
      trouble += "; attributes are remembered in memory only (--index-dir names another place)";
    }
  }
  if (notice != nullptr) *notice = trouble;
  return index;
}

}  // namespace coffer::fs
