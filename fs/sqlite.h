// SQLite, for the files of ours that are databases: connections, statements, and what every one of
// them does to be opened. The only door to the library.
//
// Codes are SQLite's own. Not thread-safe. A connection does not survive a fork. Blocks on the
// local disk.

#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer::fs {

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// Values of a statement, counted from 1. The bytes are borrowed until it has run.
void Bind(const Statement& statement, int at, std::string_view blob);
void Bind(const Statement& statement, int at, std::int64_t number);
// Of the row that a statement stands on, counted from 0.
std::string_view Column(const Statement& statement, int at);
std::int64_t NumberColumn(const Statement& statement, int at);

// The file is not a database, or no longer one that can be read.
bool IsDamage(int code);

class Database {
 public:
  struct Schema {
    int version = 0;
    const char* sql = "";  // makes it, and sets user_version
  };
  // "" opens one in memory. `settings` are pragmas for a file. Makes the schema where the file has
  // another.
  int Open(const std::string& path, const char* settings, const Schema& schema);
  void Close() { db_.reset(); }  // after its statements have gone
  bool is_open() const { return db_ != nullptr; }
  std::string message() const { return db_ ? sqlite3_errmsg(db_.get()) : "cannot be opened"; }

  int Execute(const char* sql) { return sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr); }
  int Prepare(const char* sql, Statement& statement);
  // Runs it to its end, or first row, and makes it ready to be run again.
  int Run(const Statement& statement);
  std::int64_t last_id() const { return sqlite3_last_insert_rowid(db_.get()); }
  // The one number that `sql` answers; -1 when there is none.
  std::int64_t Number(const char* sql);

 private:
  int SetUp(bool file, const char* settings, const Schema& schema);
  int CheckSchema(const Schema& schema);

  struct CloseDatabase {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::unique_ptr<sqlite3, CloseDatabase> db_;
};

// Where the database `name` of a volume (endpoint and bucket) lies below `directory`, which is
// made; without symbolic links, which SQLite is told to refuse.
Result<std::string> DatabasePath(const std::string& directory, const std::string& name,
                                 const std::string& volume);
// A file for a database that only we may read, made where there is none.
Status MakeDatabaseFile(const std::string& path);
// A damaged file makes room: it is kept as ".damaged", as far as that can be done.
void SetDatabaseAside(const std::string& path);

}  // namespace coffer::fs
