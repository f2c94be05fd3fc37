#include "fs/attributes.h"

#include <catch2/catch.hpp>
#include <string>

namespace coffer::fs::attributes_test {

constexpr std::int64_t kModified_s = 1'700'000'000;

AttributeDefaults Defaults() {
  AttributeDefaults defaults;
  defaults.uid = 500;
  defaults.gid = 501;
  return defaults;
}

Attributes Read(std::string_view key, const s3::Metadata& metadata,
                const AttributeDefaults& defaults = Defaults()) {
  return FromMetadata(key, metadata, kModified_s, defaults);
}

TEST_CASE("an object without metadata gets the mount's defaults and Last-Modified") {
  const Attributes file = Read("f", {});
  CHECK(file.type == FileType::kFile);
  CHECK(file.mode == 0644);
  CHECK(file.uid == 500);
  CHECK(file.gid == 501);
  CHECK(file.mtime == kModified_s * kSecond);
  CHECK(file.ctime == file.mtime);
  CHECK(file.atime == file.mtime);
  const Attributes directory = Read("d/", {});
  CHECK(directory.type == FileType::kDirectory);
  CHECK(directory.mode == 0755);
  const Attributes implicit = ImplicitDirectory(Defaults(), 7 * kSecond);
  CHECK(implicit.type == FileType::kDirectory);
  CHECK(implicit.mode == 0755);
  CHECK(implicit.uid == 500);
  CHECK(implicit.mtime == 7 * kSecond);
}

TEST_CASE("s3fs's fields") {
  const Attributes file = Read("f", {{"mode", "33152"},
                                     {"uid", "1000"},
                                     {"gid", "1001"},
                                     {"mtime", "1600000000.000000001"},
                                     {"ctime", "1600000001"},
                                     {"atime", "1600000002.5"}});
  CHECK(file.type == FileType::kFile);
  CHECK(file.mode == 0600);
  CHECK(file.uid == 1000);
  CHECK(file.gid == 1001);
  CHECK(file.mtime == 1'600'000'000'000'000'001);
  CHECK(file.ctime == 1'600'000'001 * kSecond);
  CHECK(file.atime == 1'600'000'002'500'000'000);

  const Attributes link = Read("l", {{"mode", "41471"}});  // 0120777
  CHECK(link.type == FileType::kSymlink);
  CHECK(link.mode == 0777);
  const Attributes directory = Read("d/", {{"mode", "16832"}});  // 040700
  CHECK(directory.type == FileType::kDirectory);
  CHECK(directory.mode == 0700);
}

struct ModeCase {
  const char* text;
  FileType type;
  std::uint32_t mode;
};

TEST_CASE("a mode is decimal when that gives a known file type, else octal") {
  const ModeCase cases[] = {
      {"33188", FileType::kFile, 0644},
      {"100644", FileType::kFile, 0644},  // rclone
      {"0100755", FileType::kFile, 0755},
      {"755", FileType::kFile, 0755},
      {"0600", FileType::kFile, 0600},
      {"420", FileType::kFile, 0420},  // no type: octal, as the rule says
      {"120777", FileType::kSymlink, 0777},
      {"33279", FileType::kFile, 0777},
      // Nonsense: the default.
      {"", FileType::kFile, 0644},
      {"rw-r--r--", FileType::kFile, 0644},
      {"-1", FileType::kFile, 0644},
      {"99999999999999999999", FileType::kFile, 0644},
      {"0x81a4", FileType::kFile, 0644},
      {"33188 ", FileType::kFile, 0644},
      {"789", FileType::kFile, 0644},
      {"777777", FileType::kFile, 0644},
      // What the bucket may not choose is a plain file.
      {"8612", FileType::kFile, 0644},   // 020644: a character device
      {"25008", FileType::kFile, 0660},  // 060660: a block device
      {"4516", FileType::kFile, 0644},   // 010644: a pipe
      {"49572", FileType::kFile, 0644},  // 0140644: a socket
      {"16877", FileType::kFile, 0755},  // 040755 without '/': not a directory
  };
  for (const ModeCase& one : cases) {
    INFO(one.text);
    const Attributes attributes = Read("f", {{"mode", one.text}});
    CHECK(attributes.type == one.type);
    CHECK(attributes.mode == one.mode);
  }
}

TEST_CASE("a directory marker stays a directory, and rclone's octal modes are told apart") {
  for (const auto& [text, mode] : std::map<std::string, std::uint32_t>{
           {"16877", 0755}, {"40755", 0755}, {"41777", 01777}, {"700", 0700}, {"17407", 01777}}) {
    INFO(text);
    const Attributes attributes = Read("d/", {{"mode", text}});
    CHECK(attributes.type == FileType::kDirectory);
    CHECK(attributes.mode == mode);
  }
  CHECK(Read("d/", {{"mode", "41471"}}).type == FileType::kDirectory);
  CHECK(Read("d/", {{"mode", "120777"}}).type == FileType::kDirectory);
}

TEST_CASE("setuid and setgid need special_bits; sticky shows on directories; umask hides") {
  const auto shown = [](const char* key, const s3::Metadata& metadata,
                        const AttributeDefaults& defaults) {
    return ShownMode(Read(key, metadata, defaults), defaults);
  };
  const AttributeDefaults plain = Defaults();
  AttributeDefaults special = plain;
  special.special_bits = true;
  CHECK(shown("f", {{"mode", "107777"}}, plain) == 0777);
  CHECK(shown("f", {{"mode", "107777"}}, special) == 07777);
  CHECK(shown("d/", {{"mode", "47777"}}, plain) == 01777);
  CHECK(shown("d/", {{"mode", "47777"}}, special) == 07777);
  AttributeDefaults masked = plain;
  masked.umask = 027;
  CHECK(shown("f", {{"mode", "100777"}}, masked) == 0750);
  CHECK(shown("f", {}, masked) == 0640);
  CHECK(shown("l", {{"mode", "120777"}}, masked) == 0777);
  CHECK(ShownMode(ImplicitDirectory(masked, 0), masked) == 0750);
  // Who gives all directories the setgid bit means it, of directories.
  AttributeDefaults grouped = plain;
  grouped.dir_mode = 02775;
  CHECK(shown("d/", {}, grouped) == 02775);
  CHECK(shown("f", {{"mode", "107777"}}, grouped) == 0777);
  // What does not show is kept.
  CHECK(Read("f", {{"mode", "106777"}}, masked).mode == 06777);
}

TEST_CASE("owners out of range are the mount's") {
  CHECK(Read("f", {{"uid", "4294967294"}}).uid == 4'294'967'294);
  for (const char* text : {"4294967295", "4294967296", "-1", "root", "", "1 ", "1.5"}) {
    INFO(text);
    CHECK(Read("f", {{"uid", text}}).uid == 500);
    CHECK(Read("f", {{"gid", text}}).gid == 501);
  }
}

struct TimeCase {
  const char* text;
  TimeNs time;
};

TEST_CASE("times: decimal, RFC 3339, clamped, or else Last-Modified") {
  constexpr TimeNs kModified = kModified_s * kSecond;
  constexpr TimeNs kEarliest = -(TimeNs{1} << 31) * kSecond;
  constexpr TimeNs kLatest = (INT64_MAX / kSecond - 1) * kSecond;
  const TimeCase cases[] = {
      {"0", 0},
      {"1", kSecond},
      {"1.", kSecond},
      {"1.5", kSecond + kSecond / 2},
      {"1.1234567899", kSecond + 123'456'789},
      {"-1.5", -kSecond - kSecond / 2},
      {"-1", -kSecond},
      {"1000000000000000000", kLatest},
      {"-1000000000000000000", kEarliest},
      {"99999999999999999999999999999999", kLatest},
      {"-99999999999999999999999999999999.9", kEarliest},
      {"9223372036854775807", kLatest},
      {"2006-01-02T15:04:05Z", 1'136'214'245 * kSecond},
      {"2006-01-02T15:04:05.999999999Z", 1'136'214'245 * kSecond + 999'999'999},
      {"2006-01-02T15:04:05.5+07:00", (1'136'214'245 - 7 * 3600) * kSecond + kSecond / 2},
      {"2006-01-02T15:04:05-00:30", (1'136'214'245 + 1800) * kSecond},
      {"1969-12-31T23:59:59Z", -kSecond},
      {"0001-01-01T00:00:00Z", kEarliest},
      {"9999-12-31T23:59:59Z", kLatest},
      {"9999-12-31T23:59:59.9Z", kLatest},
      {"0001-01-01T00:00:00.9Z", kEarliest},
      // Not a time.
      {"", kModified},
      {"-", kModified},
      {".5", kModified},
      {"1e9", kModified},
      {"nan", kModified},
      {"12:00", kModified},
      {"1.2.3", kModified},
      {" 1", kModified},
      {"2006-01-02", kModified},
      {"2006-01-02T15:04:05", kModified},
      {"2006-13-02T15:04:05Z", kModified},
      {"2006-02-30T15:04:05Z", kModified},
      {"2006-01-02T24:04:05Z", kModified},
      {"2006-01-02T15:04:05+7:00", kModified},
      {"2006-01-02T15:04:05+07:00x", kModified},
      {"2006-01-02T15:04:05.xZ", kModified},
  };
  for (const TimeCase& one : cases) {
    INFO(one.text);
    CHECK(Read("f", {{"mtime", one.text}}).mtime == one.time);
  }
  CHECK(FromMetadata("f", {}, INT64_MAX, Defaults()).mtime == kLatest);
  CHECK(FromMetadata("f", {}, INT64_MIN, Defaults()).mtime == kEarliest);
}

TEST_CASE("without ctime it is Last-Modified, without atime it is mtime") {
  const Attributes attributes = Read("f", {{"mtime", "5"}});
  CHECK(attributes.mtime == 5 * kSecond);
  CHECK(attributes.ctime == kModified_s * kSecond);
  CHECK(attributes.atime == 5 * kSecond);
}

TEST_CASE("DataSync's fields count where s3fs's are not") {
  s3::Metadata metadata = {{"file-permissions", "0100640"},
                           {"file-owner", "7"},
                           {"file-group", "8"},
                           {"file-mtime", "1595002920000000001ns"},
                           {"file-atime", "1595002920500"}};
  const Attributes file = Read("f", metadata);
  CHECK(file.type == FileType::kFile);
  CHECK(file.mode == 0640);
  CHECK(file.uid == 7);
  CHECK(file.gid == 8);
  CHECK(file.mtime == 1'595'002'920'000'000'001);
  CHECK(file.atime == 1'595'002'920'500'000'000);
  CHECK(Read("d/", {{"file-permissions", "0040750"}}).mode == 0750);
  CHECK(Read("f", {{"file-permissions", "0120777"}}).type == FileType::kFile);

  metadata["uid"] = "1";
  metadata["mode"] = "33188";
  metadata["mtime"] = "9";
  const Attributes both = Read("f", metadata);
  CHECK(both.uid == 1);
  CHECK(both.gid == 8);
  CHECK(both.mode == 0644);
  CHECK(both.mtime == 9 * kSecond);
}

TEST_CASE("attributes come back as they were written") {
  Attributes attributes;
  attributes.mode = 0751;
  attributes.uid = 4'294'967'294;
  attributes.gid = 3;
  for (const TimeNs time : {TimeNs{0}, TimeNs{1}, -TimeNs{1}, -kSecond, -kSecond - 1,
                            1'700'000'000'123'000'000, 1'700'000'000 * kSecond}) {
    attributes.mtime = time;
    attributes.ctime = time + 1;
    attributes.atime = time - 1;
    for (const auto& [key, type] : std::map<std::string, FileType>{
             {"f", FileType::kFile}, {"d/", FileType::kDirectory}, {"l", FileType::kSymlink}}) {
      INFO(key << " " << time);
      attributes.type = type;
      attributes.mode = type == FileType::kSymlink ? 0777 : 0751;
      CHECK(Read(key, ToMetadata({}, attributes)) == attributes);
    }
  }
}

TEST_CASE("what is written is what s3fs writes, and nothing foreign is lost") {
  Attributes attributes;
  attributes.uid = 1;
  attributes.mtime = 1'700'000'000'050'000'000;
  attributes.ctime = 2 * kSecond;
  const s3::Metadata metadata = ToMetadata({{"mode", "755"},
                                            {"color", "red"},
                                            {"xattr", "x"},
                                            {"file-mtime", "1ns"},
                                            {"file-owner", "2"},
                                            {"file-group", "2"},
                                            {"file-permissions", "0100600"},
                                            {"file-atime", "1"}},
                                           attributes);
  CHECK(metadata == s3::Metadata{{"mode", "33188"},
                                 {"uid", "1"},
                                 {"gid", "0"},
                                 {"mtime", "1700000000.050000000"},
                                 {"ctime", "2"},
                                 {"atime", "0"},
                                 {"color", "red"},
                                 {"xattr", "x"}});
}

TEST_CASE("xattrs travel as s3fs's URL-encoded JSON") {
  s3::Metadata metadata;
  const Xattrs xattrs = {
      {"user.color", "blue"}, {"user.nul", std::string("\0\xff", 2)}, {"user.empty", ""}};
  XattrsToMetadata(xattrs, metadata);
  CHECK(metadata.at("xattr") ==
        "%7B%22user.color%22%3A%22Ymx1ZQ%3D%3D%22%2C%22user.empty%22%3A%22%22%2C%22user.nul%22%3A"
        "%22AP8%3D%22%7D");
  CHECK(XattrsFromMetadata(metadata) == xattrs);
  XattrsToMetadata({}, metadata);
  CHECK(metadata.empty());
}

TEST_CASE("foreign namespaces are kept but not shown; what cannot be read is none") {
  s3::Metadata metadata = {
      {"xattr",
       "{\"system.posix_acl_access\":\"AgA=\",\"security.capability\":\"AQ==\","
       "\"user.a\":\"YQ==\",\"user.coffer.key\":\"YQ==\",\"user.bad\":\"???\","
       "\"user.number\":5,\"user.\":\"YQ==\"}"}};
  CHECK(XattrsFromMetadata(metadata) == Xattrs{{"user.a", "a"}});
  XattrsToMetadata({{"user.b", "b"}}, metadata);
  CHECK(metadata.at("xattr").find("system.posix_acl_access") != std::string::npos);
  CHECK(metadata.at("xattr").find("user.a") == std::string::npos);
  CHECK(XattrsFromMetadata(metadata) == Xattrs{{"user.b", "b"}});
  for (const char* text : {"", "x", "[]", "null", "{", "%", "%7B%22", "{\"user.a\":\"YQ==\"",
                           "{\"user.\xff\":\"YQ==\"}"}) {
    INFO(text);
    CHECK(XattrsFromMetadata({{"xattr", text}}).empty());
  }
  const std::string deep(100'000, '[');
  CHECK(XattrsFromMetadata({{"xattr", deep}}).empty());
}

TEST_CASE("names of xattrs") {
  CHECK(IsXattrName("user.a"));
  CHECK(IsXattrName("user.\xc3\xa9\"\\,:"));
  CHECK(IsXattrName("user." + std::string(250, 'x')));
  CHECK_FALSE(IsXattrName("user." + std::string(251, 'x')));
  CHECK_FALSE(IsXattrName("user."));
  CHECK_FALSE(IsXattrName("trusted.a"));
  CHECK_FALSE(IsXattrName("user.coffer.lock.mode"));
  CHECK_FALSE(IsXattrName("user.\xff"));
  CHECK_FALSE(IsXattrName(std::string_view("user.a\0b", 8)));
  s3::Metadata metadata;
  const Xattrs odd = {{"user.\xc3\xa9\"\\,:\n", "v"}};
  XattrsToMetadata(odd, metadata);
  CHECK(XattrsFromMetadata(metadata) == odd);
}

}  // namespace coffer::fs::attributes_test
