#include "fs/mount_point.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace coffer::fs::mount_point_test {

class Directory {
 public:
  Directory() { REQUIRE(mkdtemp(path_) != nullptr); }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_; }

 private:
  char path_[32] = "/tmp/coffer-point-XXXXXX";
};

constexpr char kTable[] =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n"
    "90 27 0:52 / /mnt/my\\040data rw,nosuid,nodev - fuse.coffer s3://b/a\\134b\\040c "
    "rw,user_id=1000,group_id=1000,default_permissions\n"
    "91 27 0:53 / /mnt/my\\040data ro - fuse.coffer other ro,user_id=0,group_id=0\n"
    "broken line\n"
    "92 27 0:54 / /x rw no separator here\n";

Code Refused(const std::string& directory, const MountPointNeeds& needs = {}) {
  std::vector<std::string> notes;
  const auto prepared = PrepareMountPoint(directory, needs, notes);
  REQUIRE_FALSE(prepared);
  INFO(prepared.error().what);
  return prepared.error().code;
}

TEST_CASE("mountinfo: tags, escapes, broken lines", "[mount_point]") {
  const auto mounts = ParseMountInfo(kTable);
  REQUIRE(mounts.size() == 4);
  CHECK(mounts[1].id == 36);
  CHECK(mounts[1].type == "ext3");
  CHECK(mounts[1].device == "98:0");
  CHECK(mounts[2].directory == "/mnt/my data");
  CHECK(mounts[2].source == "s3://b/a\\b c");
  CHECK(OwnerOf(mounts[2]) == 1000u);
  CHECK_FALSE(OwnerOf(mounts[1]));
  const auto top = FindMount(mounts, "/mnt/my data");
  REQUIRE(top);
  CHECK(top->id == 91);  // the one mounted last lies on top
  CHECK_FALSE(FindMount(mounts, "/mnt"));
}

TEST_CASE("this machine's own mounts can be read", "[mount_point]") {
  CHECK_FALSE(ReadMountInfo().empty());
}

TEST_CASE("the real path of a mount point", "[mount_point]") {
  const Directory directory;
  const std::string base = std::filesystem::canonical(directory.path());
  std::filesystem::create_directories(base + "/a/b");
  std::filesystem::create_directory_symlink(base + "/a", base + "/link");
  CHECK(*RealDirectory(base + "/a/b/") == base + "/a/b");
  CHECK(*RealDirectory(base + "/link/b") == base + "/a/b");
  CHECK(*RealDirectory(base + "/link") == base + "/a");
  CHECK(*RealDirectory(base + "/a/b/..") == base + "/a");
  CHECK(*RealDirectory(base + "/a/new") == base + "/a/new");
  CHECK(*RealDirectory("/") == "/");
  CHECK(*RealDirectory("name") == std::filesystem::current_path().string() + "/name");
  CHECK(RealDirectory(base + "/none/new").error().code == Code::kNotFound);
}

TEST_CASE("what cannot be mounted on is refused, with a reason", "[mount_point]") {
  const Directory directory;
  const std::string base = directory.path();
  CHECK(Refused(base + "/missing") == Code::kNotFound);
  CHECK(Refused(base + "/missing/below") == Code::kNotFound);
  std::ofstream(base + "/file") << "x";
  CHECK(Refused(base + "/file") == Code::kNotDirectory);
  CHECK(Refused(base) == Code::kNotEmpty);

  std::vector<std::string> notes;
  const auto missing = PrepareMountPoint(base + "/missing", {}, notes);
  CHECK_THAT(missing.error().what, Catch::Contains("mkdir -p"));
  const auto full = PrepareMountPoint(base, {}, notes);
  CHECK_THAT(full.error().what, Catch::Contains("--allow-non-empty"));
  CHECK(notes.empty());
}

TEST_CASE("an empty directory is ready where FUSE is there", "[mount_point]") {
  const Directory directory;
  std::vector<std::string> notes;
  const auto prepared = PrepareMountPoint(directory.path(), {}, notes);
  if (access("/dev/fuse", R_OK | W_OK) != 0) {
    REQUIRE_FALSE(prepared);
    CHECK_THAT(prepared.error().what, Catch::Contains("/dev/fuse"));
    return;
  }
  if (!prepared) FAIL(prepared.error().what);
  CHECK(*prepared == std::filesystem::canonical(directory.path()).string());
}

TEST_CASE("who uses a directory", "[mount_point]") {
  const Directory directory;
  const std::string base = std::filesystem::canonical(directory.path());
  CHECK(UsersOf(base, 10).empty());
  const std::ofstream open(base + "/held");
  CHECK(UsersOf(base, 10).empty());  // who asks is not told of itself
  const pid_t child = fork();
  if (child == 0) {
    pause();  // with the descriptor that it inherited
    _exit(0);
  }
  const auto users = UsersOf(base, 10);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  REQUIRE(users.size() == 1);
  CHECK_THAT(users[0], Catch::Contains("(" + std::to_string(child) + ")"));
}

}  // namespace coffer::fs::mount_point_test
