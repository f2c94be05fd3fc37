#include "fs/sqlite.h"

#include <cstdio>
#include <cstdlib>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "fs/private_file.h"

namespace coffer::fs {
namespace {

constexpr int kBusyTimeoutMs = 1000;

}  // namespace

void Bind(const Statement& statement, int at, std::string_view blob) {
  // A null pointer would bind NULL, which no row has.
  const char* data = blob.data() == nullptr ? "" : blob.data();
  sqlite3_bind_blob64(statement.get(), at, data, blob.size(), SQLITE_STATIC);
}

void Bind(const Statement& statement, int at, std::int64_t number) {
  sqlite3_bind_int64(statement.get(), at, number);
}

std::string_view Column(const Statement& statement, int at) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement.get(), at));
  const int size = sqlite3_column_bytes(statement.get(), at);
  return data == nullptr ? std::string_view()
                         : std::string_view(data, static_cast<std::size_t>(size));
}

std::int64_t NumberColumn(const Statement& statement, int at) {
  return sqlite3_column_int64(statement.get(), at);
}

bool IsDamage(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return true;
    default:
      return false;
  }
}

int Database::Open(const std::string& path, const char* settings, const Schema& schema) {
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE;
  const int code = sqlite3_open_v2(path.empty() ? ":memory:" : path.c_str(), &db, flags, nullptr);
  db_.reset(db);
  return code == SQLITE_OK ? SetUp(!path.empty(), settings, schema) : code;
}

int Database::SetUp(bool file, const char* settings, const Schema& schema) {
  sqlite3_busy_timeout(db_.get(), kBusyTimeoutMs);
  sqlite3_extended_result_codes(db_.get(), 1);
  // A file that another process may have damaged must not make SQLite run what stands in it.
  sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  if (file) {
    const int code = Execute("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;");
    // Another mount may be opening the file at this moment; without WAL it works, only slower.
    if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) return code;
    Execute(settings);
  }
  return CheckSchema(schema);
}

int Database::CheckSchema(const Schema& schema) {
  if (Number("PRAGMA user_version") == schema.version) return SQLITE_OK;
  if (const int code = sqlite3_errcode(db_.get()); IsDamage(code)) return code;
  // Asked again under the write lock: another mount may have made it meanwhile.
  int code = Execute("BEGIN IMMEDIATE");
  if (code != SQLITE_OK) return code;
  if (Number("PRAGMA user_version") != schema.version) code = Execute(schema.sql);
  if (code == SQLITE_OK) code = Execute("COMMIT");
  if (code != SQLITE_OK) Execute("ROLLBACK");
  return code;
}

int Database::Prepare(const char* sql, Statement& statement) {
  sqlite3_stmt* prepared = nullptr;
  const int code =
      sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  statement.reset(prepared);
  return code;
}

int Database::Run(const Statement& statement) {
  const int code = sqlite3_step(statement.get());
  sqlite3_reset(statement.get());
  sqlite3_clear_bindings(statement.get());
  return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

std::int64_t Database::Number(const char* sql) {
  Statement statement;
  if (Prepare(sql, statement) != SQLITE_OK) return -1;
  if (sqlite3_step(statement.get()) != SQLITE_ROW) return -1;
  return NumberColumn(statement, 0);
}

Result<std::string> DatabasePath(const std::string& directory, const std::string& name,
                                 const std::string& volume) {
  COFFER_TRY(MakePrivateDirectory(directory));
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(directory.c_str(), nullptr),
                                                         &std::free);
  if (!real) return Error{Code::kUnavailable, directory + " cannot be resolved"};
  constexpr std::size_t kNameBytes = 16;
  const Sha256Digest digest = Sha256(AsBytes(volume));
  return std::string(real.get()) + "/" + name + "-" +
         HexEncode(ByteView(digest).first(kNameBytes)) + ".db";
}

Status MakeDatabaseFile(const std::string& path) {
  COFFER_ASSIGN(const bool existed, HasPrivateFile(path));
  if (existed) return Ok();
  // Made here, so that it is 0600 whatever the umask; another mount may be quicker.
  const auto made = PrivateFile::Create(path);
  if (!made && made.error().code != Code::kExists) return made.error();
  return Ok();
}

void SetDatabaseAside(const std::string& path) {
  (void)std::rename(path.c_str(), (path + ".damaged").c_str());
  (void)RemoveFile(path + "-wal");
  (void)RemoveFile(path + "-shm");
}

}  // namespace coffer::fs
