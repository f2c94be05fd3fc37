// What the bench does to a mounted file system, timed from inside:
//
//   files write FILE SIZE                        one file, until close has returned
//   files read FILE                              from its beginning to its end
//   files random FILE BLOCK COUNT JOBS SEED      COUNT blocks at different places
//   files create DIR COUNT SIZE THREADS [FAN]    small files, each until close has returned
//   files get DIR COUNT THREADS SEED             each of them whole, in random order
//   files walk DIR                               whole, one after the other, as the directory has
//   them
//
// Prints {"seconds", "count", "bytes"}; exit code 1 and the reason when a call fails.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "tests/bench/bench.h"

namespace coffer::bench {
namespace {

constexpr std::size_t kBuffer = 1u << 20;

class File {
 public:
  File(const std::string& path, int flags) : path_(path), fd_(open(path.c_str(), flags, 0644)) {
    Check(fd_);
  }
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;

  std::size_t Read(std::vector<char>& buffer) {
    return Check(read(fd_, buffer.data(), buffer.size()));
  }
  void ReadAt(std::vector<char>& buffer, std::uint64_t offset) {
    if (Check(pread(fd_, buffer.data(), buffer.size(), offset)) != buffer.size()) {
      throw std::runtime_error(path_ + ": ends early");
    }
  }
  void Write(const char* data, std::size_t size) {
    while (size > 0) {
      const std::size_t written = Check(write(fd_, data, size));
      data += written;
      size -= written;
    }
  }
  void Sync() { Check(fsync(fd_)); }
  void Close() { Check(close(std::exchange(fd_, -1))); }
  std::uint64_t Size() {
    struct stat found {};
    Check(fstat(fd_, &found));
    return found.st_size;
  }

 private:
  std::size_t Check(ssize_t result) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), path_);
    return result;
  }

  std::string path_;
  int fd_;
};

std::uint64_t ReadWhole(const std::string& path, std::vector<char>& buffer) {
  File file(path, O_RDONLY);
  std::uint64_t bytes = 0;
  while (const std::size_t got = file.Read(buffer)) bytes += got;
  file.Close();
  return bytes;
}

Outcome Write(Arguments& arguments) {
  const std::string path = arguments.Text();
  const std::uint64_t size = arguments.Number();
  const std::vector<char> data = Content(kBuffer);
  const auto start = Clock::now();
  File file(path, O_WRONLY | O_CREAT | O_EXCL);
  for (std::uint64_t at = 0; at < size; at += data.size()) {
    file.Write(data.data(), std::min<std::uint64_t>(data.size(), size - at));
  }
  file.Sync();
  file.Close();
  return {SecondsSince(start), 1, size};
}

Outcome Read(Arguments& arguments) {
  const std::string path = arguments.Text();
  std::vector<char> buffer(kBuffer);
  const auto start = Clock::now();
  const std::uint64_t bytes = ReadWhole(path, buffer);
  return {SecondsSince(start), 1, bytes};
}

Outcome Random(Arguments& arguments) {
  const std::string path = arguments.Text();
  const std::uint64_t block = arguments.Number();
  const std::uint64_t count = arguments.Number();
  const std::uint64_t jobs = arguments.Number();
  const std::uint64_t seed = arguments.Number();
  const auto start = Clock::now();
  File file(path, O_RDONLY);
  const auto offsets = RandomOffsets(file.Size(), block, count, seed);
  Parallel(jobs, offsets.size(), [&] {
    return [&, buffer = std::vector<char>(block)](std::size_t i) mutable {
      file.ReadAt(buffer, offsets[i]);
    };
  });
  file.Close();
  return {SecondsSince(start), offsets.size(), offsets.size() * block};
}

Outcome Create(Arguments& arguments) {
  const std::string directory = arguments.Text();
  const std::uint64_t count = arguments.Number();
  const std::uint64_t size = arguments.Number();
  const std::uint64_t threads = arguments.Number();
  const std::uint64_t fan = arguments.NumberOr(0);
  const std::vector<char> data = Content(size);
  std::filesystem::create_directories(directory);
  for (std::uint64_t i = 0; i < fan; ++i) {
    std::filesystem::create_directory(directory + "/" + DirectoryName(i, fan));
  }
  const auto start = Clock::now();
  Parallel(threads, count, [&] {
    return [&](std::size_t i) {
      File file(directory + "/" + FileName(i, fan), O_WRONLY | O_CREAT | O_EXCL);
      file.Write(data.data(), data.size());
      file.Close();
    };
  });
  return {SecondsSince(start), count, count * size};
}

Outcome Get(Arguments& arguments) {
  const std::string directory = arguments.Text();
  const std::uint64_t count = arguments.Number();
  const std::uint64_t threads = arguments.Number();
  const auto order = Order(count, arguments.Number());
  std::atomic<std::uint64_t> bytes = 0;
  const auto start = Clock::now();
  Parallel(threads, count, [&] {
    return [&, buffer = std::vector<char>(kBuffer)](std::size_t i) mutable {
      bytes += ReadWhole(directory + "/" + FileName(order[i], 0), buffer);
    };
  });
  return {SecondsSince(start), count, bytes};
}

Outcome Walk(Arguments& arguments) {
  const std::string directory = arguments.Text();
  std::vector<char> buffer(kBuffer);
  Outcome outcome;
  const auto start = Clock::now();
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    outcome.bytes += ReadWhole(entry.path(), buffer);
    ++outcome.count;
  }
  outcome.seconds = SecondsSince(start);
  return outcome;
}

Outcome Run(const std::string& operation, Arguments& arguments) {
  if (operation == "write") return Write(arguments);
  if (operation == "read") return Read(arguments);
  if (operation == "random") return Random(arguments);
  if (operation == "create") return Create(arguments);
  if (operation == "get") return Get(arguments);
  if (operation == "walk") return Walk(arguments);
  throw std::runtime_error("no operation " + operation);
}

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) {
  using namespace coffer::bench;
  try {
    Arguments arguments(argc - 1, argv + 1);
    const std::string operation = arguments.Text();
    Print(Run(operation, arguments));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "files: %s\n", error.what());
    return 1;
  }
}
