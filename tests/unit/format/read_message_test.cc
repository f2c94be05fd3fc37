// The second reader, tests/format/read_message.py, and Coffer understand each other.

#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "crypto/encoding.h"
#include "crypto/kdf.h"
#include "crypto/name_tag.h"
#include "crypto/sealed_xattrs.h"
#include "crypto/whole_message_sealer.h"
#include "tests/support/sealed_message.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_keys.h"

namespace coffer::read_message_test {

struct Fixture {
  SecretArena arena{16};
  DataKeyPtr key = test::MakeDataKey(arena);
  std::string key_hex = HexEncode(key->key.view());
  test::TempDirectory directory;

  std::unique_ptr<Sealer> MakeSealer() {
    const Layout layout = Layout::Make(1024, 64).value();
    return Sealer::Make(*key, {{"vol", "uuid"}, {"coffer", "1"}}, layout, arena).value();
  }

  struct Reply {
    int exit_code;
    std::string out;
  };
  // `arguments` hold no quotes.
  Reply Read(const std::vector<std::string>& arguments, ByteView message) {
    const std::string in = directory.path() + "/in";
    const std::string out = directory.path() + "/out";
    std::ofstream(in, std::ios::binary) << AsText(message);
    std::string command = "tests/format/read_message.py";
    for (const auto& argument : arguments) command += " '" + argument + "'";
    command += " < " + in + " > " + out + " 2> " + directory.path() + "/err";
    const int status = std::system(command.c_str());
    std::ifstream reply(out, std::ios::binary);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
            std::string(std::istreambuf_iterator<char>(reply), {})};
  }
};

TEST_CASE("format: a second reader opens what was sealed", "[serial]") {
  Fixture f;
  for (const std::size_t size : {0, 1, 63, 64, 65, 128, 300}) {
    CAPTURE(size);
    const std::string content = test::Content(size);
    const Bytes padded = test::SealWhole(*f.MakeSealer(), content);
    const auto opened = f.Read({"open", f.key_hex}, padded);
    CHECK(opened.exit_code == 0);
    CHECK(opened.out == content);
  }
  auto own = WholeMessageSealer::Make(*f.key, {}, 128, f.arena).value();
  Bytes message;
  REQUIRE(own.Write(AsBytes(test::Content(200)), message));
  REQUIRE(own.Finish(message));
  CHECK(f.Read({"open", f.key_hex}, message).out == test::Content(200));
}

TEST_CASE("format: a second reader finds the header as it is meant") {
  Fixture f;
  const Bytes message = test::SealWhole(*f.MakeSealer(), "text");
  CHECK(
      f.Read({"header", f.key_hex}, message).out ==
      "{\"context\": {\"coffer\": \"1\", \"vol\": \"uuid\"}, \"frame_size\": 64, \"padded\": true, "
      "\"providers\": [\"test\", \"test\"], \"size\": 1024}\n");
}

TEST_CASE("format: a second reader refuses what was damaged", "[serial]") {
  Fixture f;
  const Bytes message = test::SealWhole(*f.MakeSealer(), test::Content(100));
  for (const std::size_t at : {std::size_t{3}, std::size_t{40}, std::size_t{1010},
                               std::size_t{1030}, std::size_t{1050}, message.size() - 1}) {
    CAPTURE(at);
    Bytes damaged = message;
    damaged[at] ^= std::byte{1};
    const auto refused = f.Read({"open", f.key_hex}, damaged);
    CHECK(refused.exit_code == 4);
    CHECK(refused.out.empty());
  }
  CHECK(f.Read({"open", f.key_hex}, ByteView(message).first(1024 + 96)).exit_code == 4);
  Bytes longer = message;
  longer.push_back(std::byte{0});
  CHECK(f.Read({"open", f.key_hex}, longer).exit_code == 4);
}

TEST_CASE("format: a second reader computes the same bind tag and opens the same xattrs") {
  Fixture f;
  const auto sealer = f.MakeSealer();
  const Bytes message = test::SealWhole(*sealer, "text");
  const Secret bind_key = DeriveBindKey(f.key->key.view(), sealer->message_id(), f.arena).value();
  const BoundAttributes attributes{{"uid", "0"}, {"mode", "33188"}, {"gid", ""}};
  const std::string tag = BindTag(bind_key, {"uuid", "a/b c", attributes}).value();
  CHECK(f.Read({"bind", f.key_hex, "uuid", "a/b c", "uid=0", "gid=", "mode=33188"}, message).out ==
        tag + "\n");
  CHECK(f.Read({"tag", HexEncode(bind_key.view()), "uuid", "a/b c", "uid=0", "mode=33188", "gid="},
               {})
            .out == tag + "\n");
  const Secret xattr_key = DeriveXattrKey(f.key->key.view(), sealer->message_id(), f.arena).value();
  const Bytes sealed = SealXattrs(xattr_key, AsBytes("attributes")).value();
  CHECK(f.Read({"xattrs", f.key_hex, HexEncode(sealed)}, message).out == "attributes");
}

}  // namespace coffer::read_message_test
