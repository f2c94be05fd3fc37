// Files of the state directory, as a crash or somebody else may have left them: rename journals,
// upload records, pins and findings.

#include <algorithm>
#include <fstream>

#include "fs/findings.h"
#include "fs/json.h"
#include "fs/key_pins.h"
#include "fs/rename_journal.h"
#include "fs/upload_records.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/fake_store.h"
#include "tests/support/temp_directory.h"

namespace coffer::test {
namespace {

constexpr const char* kAddress = "https://s3.test/b/p/";

bool Same(const fs::RenameEntry& a, const fs::RenameEntry& b) {
  return a.name == b.name && a.etag == b.etag && a.last_modified_s == b.last_modified_s &&
         a.size == b.size && a.storage_class == b.storage_class && a.copy == b.copy &&
         a.copy_etag == b.copy_etag;
}

struct Renamed {
  fs::RenameHeader header;
  std::vector<std::vector<fs::RenameEntry>> pages;
};

std::optional<Renamed> ReadJournal(const std::string& path) {
  auto reader = fs::RenameJournalReader::Open(path);
  if (!reader || reader->empty()) return std::nullopt;
  Renamed renamed{reader->header(), {}};
  for (;;) {
    auto page = reader->NextPage();
    if (!page) return std::nullopt;
    if (!*page) return renamed;
    renamed.pages.push_back(std::move(**page));
  }
}

void CheckJournal(const std::string& directory, const std::string& path) {
  const auto read = ReadJournal(path);
  if (!read) return;
  const std::string again = directory + "/again";
  auto journal = fs::RenameJournal::Begin(again, read->header);
  Must(journal.has_value(), "a journal can be begun");
  for (const auto& page : read->pages) {
    Must(journal->AddPage(page).has_value(), "and written");
    Must(journal->AddOutcome(page).has_value(), "with what came of it");
  }
  const auto twice = ReadJournal(journal->path());
  Must(twice && twice->header.from == read->header.from && twice->header.to == read->header.to,
       "a journal there and back");
  Must(std::equal(twice->pages.begin(), twice->pages.end(), read->pages.begin(), read->pages.end(),
                  [](const auto& a, const auto& b) {
                    return std::equal(a.begin(), a.end(), b.begin(), b.end(), Same);
                  }),
       "a journal's pages there and back");
}

// A store that knows which uploads were to be aborted.
void CheckUploads(const std::string& directory, const std::string& text) {
  auto records = fs::UploadRecords::Open({.state_directory = directory, .volume = "v", .warn = {}});
  Must(records.has_value(), "records can be opened");
  std::string folder;
  for (const auto& entry : std::filesystem::directory_iterator(directory + "/uploads"))
    folder = entry.path().string();
  std::ofstream(folder + "/1-0.uploads") << text;
  FakeStore store;
  const fs::Leftovers leftovers = (*records)->AbortLeftovers(store);
  Must(leftovers.aborted >= 0, "leftovers are counted");
}

// The one file below `folder` is replaced by `text`.
void Overwrite(const std::string& folder, const std::string& text) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    std::ofstream(entry.path()) << text;
}

void CheckPin(const std::string& directory, const std::string& text) {
  fs::KeyName key;
  key.provider = "aws-kms";
  key.name = "arn";
  const fs::KeyPin pin{kAddress, "id", {key}};
  Must(fs::SavePin(directory, pin).has_value(), "a pin is saved");
  Overwrite(directory + "/volumes", text);
  const auto loaded = fs::LoadPin(directory, kAddress);
  if (!loaded) return;  // there, and unreadable: an error
  Must(loaded->has_value(), "a pin that is there is one");
  Must((*loaded)->address == kAddress && !(*loaded)->keys.empty(), "a pin is of its address");
  Must(fs::SavePin(directory, **loaded).has_value(), "a pin is saved again");
  const auto again = fs::LoadPin(directory, kAddress);
  Must(
      again && *again && (*again)->keys == (*loaded)->keys && (*again)->volume == (*loaded)->volume,
      "a pin there and back");
}

void CheckFindings(const std::string& text) {
  s3::ConditionMemory memory;
  memory.Import(text);
  const std::string once = memory.Export();
  s3::ConditionMemory again;
  again.Import(once);
  Must(again.Export() == once, "findings there and back");
  s3::ConditionMemory none;
  if (once != none.Export())
    Must(text.starts_with(once.substr(0, once.find(' '))), "nothing is found in anything else");
}

}  // namespace

void FuzzState(ByteView input) {
  Pieces pieces(input);
  const std::uint8_t kind = pieces.Byte() % 4;
  const std::string text = pieces.Rest();
  if (kind == 3) return CheckFindings(text);
  const TempDirectory directory;
  Must(!directory.path().empty(), "there is room for a directory");
  if (kind == 0) {
    const std::string path = directory.path() + "/journal";
    std::ofstream(path) << text;
    CheckJournal(directory.path(), path);
  } else if (kind == 1) {
    CheckUploads(directory.path(), text);
  } else {
    CheckPin(directory.path(), text);
  }
}

}  // namespace coffer::test
