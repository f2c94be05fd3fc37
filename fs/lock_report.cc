#include "fs/lock_report.h"

#include <utility>

#include "crypto/ascii.h"
#include "fs/console.h"
#include "fs/json.h"
#include "fs/lock_policy.h"
#include "s3client/time_text.h"

namespace coffer::fs {
namespace {

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string Until(const s3::Lock& lock) {
  return lock.mode.empty() ? std::string() : s3::IsoTime(lock.retain_until_s);
}

std::string Columns(const LockRow& row) {
  const auto word = [](bool yes) { return yes ? std::string("yes") : std::string("no"); };
  if (!row.error.empty()) return ",,,,,,,,," + CsvField(row.error);
  return CsvField(row.version_id) + "," + std::to_string(row.size) + "," +
         s3::IsoTime(row.last_modified_s) + "," + word(row.retained || row.lock.legal_hold) + "," +
         CsvField(row.lock.mode) + "," + Until(row.lock) + "," + word(row.retained) + "," +
         word(row.lock.legal_hold) + "," + CsvField(Joined(row.unmet, "; ")) + ",";
}

std::string Members(const LockRow& row) {
  Json json;
  if (!row.error.empty()) {
    json["error"] = row.error;
  } else {
    json["version_id"] = row.version_id;
    json["size"] = row.size;
    json["last_modified"] = s3::IsoTime(row.last_modified_s);
    json["locked"] = row.retained || row.lock.legal_hold;
    json["mode"] = row.lock.mode;
    json["retain_until"] = Until(row.lock);
    json["retention_runs"] = row.retained;
    json["legal_hold"] = row.lock.legal_hold;
    json["unmet"] = row.unmet;
  }
  const std::string text = ToText(json, -1);
  return text.substr(1, text.size() - 2);
}

std::string RowWords(const LockRow& row) {
  if (!row.error.empty()) return "unknown: " + row.error;
  s3::Lock running = row.lock;
  if (!row.retained) running.mode.clear();
  std::string words =
      running.mode.empty() && !running.legal_hold ? "not locked" : LockInWords(running);
  if (!row.retained && !row.lock.mode.empty()) {
    words += " (" + row.lock.mode + " ended " + Until(row.lock) + ")";
  }
  for (const std::string& unmet : row.unmet) words += "; less than " + unmet;
  return words;
}

}  // namespace

bool Meets(const s3::Lock& lock, std::int64_t now_s, const LockTerm& term) {
  return lock.Retained(now_s) && lock.Covers({term.mode, now_s + term.period_s, false});
}

LockRow MakeLockRow(std::string_view path, const s3::ObjectInfo& info,
                    std::span<const LockRequirement> required) {
  LockRow row{info.version_id, info.size, info.last_modified_s, info.lock};
  row.retained = info.lock.Retained(info.server_date_s);
  for (const LockRequirement& requirement : required) {
    if (requirement.glob.Matches(path) && !Meets(info.lock, info.server_date_s, requirement.term)) {
      row.unmet.push_back(requirement.text);
    }
  }
  return row;
}

std::string LockCsvHeader() {
  return "key,version_id,size,last_modified,locked,mode,retain_until,retention_runs,legal_hold,"
         "unmet,error";
}

std::string RowText(const LockRow& row, LockFormat format) {
  switch (format) {
    case LockFormat::kCsv:
      return Columns(row);
    case LockFormat::kJson:
      return Members(row);
    default:
      return RowWords(row);
  }
}

std::string RowLine(const std::string& key, const std::string& text, LockFormat format) {
  switch (format) {
    case LockFormat::kCsv:
      return CsvField(key) + "," + text;
    case LockFormat::kJson:
      return "{\"key\":" + ToText(Json(key), -1) + "," + text + "}";
    default:
      return Printable(key) + ": " + Printable(text);
  }
}

}  // namespace coffer::fs
