#include "fs/owed_table.h"

#include <array>
#include <cstddef>

#include "crypto/encoding.h"
#include "crypto/openssl.h"
#include "fs/private_file.h"

namespace coffer::fs {
namespace {

constexpr const char* kFileName = "owed-locks";

// An id is not used twice: one that is dropped late must not be another's by then.
constexpr Database::Schema kOwedSchema = {
    1,
    "DROP TABLE IF EXISTS owed;"
    "CREATE TABLE owed(id INTEGER PRIMARY KEY AUTOINCREMENT, owner BLOB NOT NULL,"
    " key BLOB NOT NULL, mode BLOB NOT NULL, period INTEGER NOT NULL, rest INTEGER NOT NULL,"
    " etag BLOB NOT NULL, version BLOB NOT NULL, refused INTEGER NOT NULL,"
    " refused_since INTEGER NOT NULL);"
    "CREATE INDEX by_owner ON owed(owner);"
    "PRAGMA user_version = 1;"};
// Mounts that lock many files at once wait for each other rather than fail.
constexpr const char* kOwedSettings =
    "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 1048576; PRAGMA busy_timeout = 10000;";

OwedRow RowOf(const Statement& found) {
  OwedRow row;
  row.id = NumberColumn(found, 0);
  row.key = Column(found, 1);
  row.owed.term = {std::string(Column(found, 2)), NumberColumn(found, 3)};
  row.owed.rest = std::chrono::seconds(NumberColumn(found, 4));
  row.etag = Column(found, 5);
  row.version_id = Column(found, 6);
  row.refused = NumberColumn(found, 7);
  row.refused_since_s = NumberColumn(found, 8);
  return row;
}

}  // namespace

Result<std::unique_ptr<OwedTable>> OwedTable::Open(const std::string& state_directory,
                                                   const std::string& volume) {
  std::array<std::byte, 16> owner{};
  COFFER_TRY(RandomBytes(owner));
  COFFER_ASSIGN(std::string path, DatabasePath(state_directory, kFileName, volume));
  COFFER_ASSIGN(auto alive, CrashRecords::Open({state_directory, kFileName, volume}));
  return std::unique_ptr<OwedTable>(
      new OwedTable(std::move(path), HexEncode(owner), std::move(alive)));
}

OwedTable::~OwedTable() {
  const Lock lock(mu_);
  if (!database_.is_open() || DropAll() != SQLITE_OK) return;
  Bind(count_, 1, owner_);
  const bool counted = sqlite3_step(count_.get()) == SQLITE_ROW;
  if (counted && NumberColumn(count_, 0) == 0) alive_->Remove();
}

Status OwedTable::Outcome(int code) const {
  if (code == SQLITE_OK) return Ok();
  const bool full = (code & 0xff) == SQLITE_FULL;
  return Error{full ? Code::kNoSpace : Code::kUnavailable, path_ + ": " + database_.message()};
}

Status OwedTable::Connect() {
  if (database_.is_open()) return Ok();
  COFFER_TRY(MakeDatabaseFile(path_));
  int code = database_.Open(path_, kOwedSettings, kOwedSchema);
  if (IsDamage(code)) {
    damage_ = path_ + " was damaged (" + database_.message() +
              "): it is kept as .damaged, and files that an earlier mount was to lock may be left "
              "unlocked: coffer lock --report shows them";
    database_.Close();
    SetDatabaseAside(path_);
    COFFER_TRY(MakeDatabaseFile(path_));
    code = database_.Open(path_, kOwedSettings, kOwedSchema);
  }
  const std::pair<const char*, Statement*> statements[] = {
      {"INSERT INTO owed VALUES(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &add_},
      {"UPDATE owed SET etag = ?, version = ?, refused = ?, refused_since = ? WHERE id = ?",
       &update_},
      {"DELETE FROM owed WHERE id = ?", &drop_},
      {"SELECT id, key, mode, period, rest, etag, version, refused, refused_since FROM owed"
       " WHERE owner = ? ORDER BY id",
       &find_},
      {"UPDATE owed SET owner = ? WHERE owner = ?", &move_},
      {"SELECT count(*) FROM owed WHERE owner = ?", &count_},
  };
  for (const auto& [sql, statement] : statements) {
    if (code == SQLITE_OK) code = database_.Prepare(sql, *statement);
  }
  Status done = Outcome(code);
  if (done) done = SyncDirectory(path_.substr(0, path_.rfind('/')));
  if (done) return done;
  for (const auto& [sql, statement] : statements) statement->reset();
  database_.Close();
  return done;
}

// Before anything is written: others see that this mount lives.
Status OwedTable::Ready(bool durable) {
  COFFER_TRY(Connect());
  if (!alive_->begun()) COFFER_TRY(alive_->Begin(owner_));
  if (durable == durable_) return Ok();
  const char* const synchronous =
      durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
  COFFER_TRY(Outcome(database_.Execute(synchronous)));
  durable_ = durable;
  return Ok();
}

Result<std::int64_t> OwedTable::Add(const OwedRow& row) {
  const Lock lock(mu_);
  COFFER_TRY(Ready(true));
  Bind(add_, 1, owner_);
  Bind(add_, 2, row.key);
  Bind(add_, 3, row.owed.term.mode);
  Bind(add_, 4, row.owed.term.period_s);
  Bind(add_, 5, std::int64_t{row.owed.rest.count()});
  Bind(add_, 6, row.etag);
  Bind(add_, 7, row.version_id);
  Bind(add_, 8, row.refused);
  Bind(add_, 9, row.refused_since_s);
  COFFER_TRY(Outcome(database_.Run(add_)));
  return database_.last_id();
}

Status OwedTable::Update(const OwedRow& row) {
  const Lock lock(mu_);
  COFFER_TRY(Ready(false));
  Bind(update_, 1, row.etag);
  Bind(update_, 2, row.version_id);
  Bind(update_, 3, row.refused);
  Bind(update_, 4, row.refused_since_s);
  Bind(update_, 5, row.id);
  return Outcome(database_.Run(update_));
}

Status OwedTable::Drop(std::span<const std::int64_t> ids, bool durable) {
  const Lock lock(mu_);
  undropped_.insert(undropped_.end(), ids.begin(), ids.end());
  if (undropped_.empty()) return Ok();
  COFFER_TRY(Ready(durable));
  return Outcome(DropAll());
}

// In one transaction: one wait for the disk, however many they are.
int OwedTable::DropAll() {
  if (undropped_.empty()) return SQLITE_OK;
  int code = database_.Execute("BEGIN IMMEDIATE");
  if (code != SQLITE_OK) return code;
  for (const std::int64_t id : undropped_) {
    Bind(drop_, 1, id);
    if (code == SQLITE_OK) code = database_.Run(drop_);
  }
  if (code == SQLITE_OK) code = database_.Execute("COMMIT");
  if (code != SQLITE_OK) {
    database_.Execute("ROLLBACK");
  } else {
    undropped_.clear();
  }
  return code;
}

int OwedTable::Move(std::string_view owner, std::vector<OwedRow>& rows) {
  int code = database_.Execute("BEGIN IMMEDIATE");
  if (code != SQLITE_OK) return code;
  Bind(find_, 1, owner);
  while ((code = sqlite3_step(find_.get())) == SQLITE_ROW) rows.push_back(RowOf(find_));
  sqlite3_reset(find_.get());
  sqlite3_clear_bindings(find_.get());
  if (code == SQLITE_DONE) code = SQLITE_OK;
  Bind(move_, 1, owner_);
  Bind(move_, 2, owner);
  if (code == SQLITE_OK) code = database_.Run(move_);
  if (code == SQLITE_OK) code = database_.Execute("COMMIT");
  if (code != SQLITE_OK) database_.Execute("ROLLBACK");
  return code;
}

Status OwedTable::TakeOne(std::string_view owner, std::vector<OwedRow>& rows) {
  const Lock lock(mu_);
  COFFER_ASSIGN(const bool any, HasPrivateFile(path_));
  if (!any) return Ok();
  COFFER_TRY(Ready(true));
  std::vector<OwedRow> moved;
  COFFER_TRY(Outcome(Move(owner, moved)));
  rows.insert(rows.end(), std::make_move_iterator(moved.begin()),
              std::make_move_iterator(moved.end()));
  return Ok();
}

std::vector<OwedRow> OwedTable::TakeOver(std::vector<std::string>& lines) {
  std::vector<OwedRow> rows;
  const std::vector<std::string> failures = alive_->VisitDead([&](std::string_view owner) {
    const Status taken = TakeOne(owner, rows);
    if (!taken) lines.push_back(taken.error().what);
    return taken.has_value();
  });
  lines.insert(lines.end(), failures.begin(), failures.end());
  const Lock lock(mu_);
  if (!damage_.empty()) lines.push_back(std::exchange(damage_, ""));
  return rows;
}

}  // namespace coffer::fs
