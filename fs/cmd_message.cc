#include "fs/cmd_message.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "crypto/whole_message_opener.h"
#include "crypto/whole_message_sealer.h"
#include "fs/exit_code.h"
#include "fs/named_key_source.h"
#include "fs/status_report.h"
#include "fs/user_context.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kPieceOfFile = 1u << 20;
constexpr std::uint32_t kFrame = 64u << 10;
constexpr auto kProgressEvery = std::chrono::milliseconds(500);

Error FileFailed(const std::string& doing, const std::string& name) {
  return {Code::kUnavailable, doing + " " + name + ": " + std::generic_category().message(errno)};
}

// A descriptor that is read or written to its end; standard streams are borrowed.
class Stream {
 public:
  Stream(int fd, std::string name, bool owned) : fd_(fd), name_(std::move(name)), owned_(owned) {}
  ~Stream() {
    if (owned_) static_cast<void>(::close(fd_));
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // 0 at the end.
  Result<std::size_t> Read(MutableByteView into) {
    for (;;) {
      const ssize_t got = ::read(fd_, into.data(), into.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return FileFailed("read", name_);
    }
  }
  Status Write(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return FileFailed("write", name_);
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return Ok();
  }
  Status Sync() {
    if (::fsync(fd_) == 0 || errno == EINVAL || errno == EROFS) return Ok();
    return FileFailed("write", name_);
  }
  const std::string& name() const { return name_; }
  int fd() const { return fd_; }

 private:
  const int fd_;
  const std::string name_;
  const bool owned_;
};

Result<std::unique_ptr<Stream>> OpenInput(const std::string& path) {
  if (path == "-") return std::make_unique<Stream>(STDIN_FILENO, "standard input", false);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileFailed("open", path);
  return std::make_unique<Stream>(fd, path, true);
}

// A file takes its name when it is complete; devices and pipes are written as it comes.
class Output : public PlaintextSink {
 public:
  static Result<std::unique_ptr<Output>> Open(const std::string& path) {
    if (path == "-") {
      return std::make_unique<Output>(
          std::make_unique<Stream>(STDOUT_FILENO, "standard output", false), "", "");
    }
    // The file behind a symbolic link is replaced, not the link.
    std::error_code ignored;
    const std::string real = std::filesystem::is_symlink(path, ignored)
                                 ? std::filesystem::weakly_canonical(path, ignored).string()
                                 : path;
    struct stat info = {};
    const bool there = ::lstat(real.c_str(), &info) == 0;
    if (there && !S_ISREG(info.st_mode)) {
      const int fd = ::open(real.c_str(), O_WRONLY | O_CLOEXEC);
      if (fd < 0) return FileFailed("open", path);
      return std::make_unique<Output>(std::make_unique<Stream>(fd, path, true), "", "");
    }
    const std::string draft = real + ".coffer-" + std::to_string(::getpid());
    const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                          there ? info.st_mode & 0777 : 0600);
    if (fd < 0) return FileFailed("make", draft);
    return std::make_unique<Output>(std::make_unique<Stream>(fd, path, true), draft, real);
  }
  Output(std::unique_ptr<Stream> stream, std::string draft, std::string path)
      : stream_(std::move(stream)), draft_(std::move(draft)), path_(std::move(path)) {}
  ~Output() override {
    if (!draft_.empty()) static_cast<void>(::unlink(draft_.c_str()));
  }

  Status Write(ByteView bytes) override { return stream_->Write(bytes); }
  bool CanWithdraw() const override { return !draft_.empty(); }

  Status Finish() {
    if (draft_.empty()) return Ok();
    COFFER_TRY(stream_->Sync());
    if (::rename(draft_.c_str(), path_.c_str()) != 0) return FileFailed("replace", path_);
    draft_.clear();
    return Ok();
  }

 private:
  std::unique_ptr<Stream> stream_;
  std::string draft_;
  const std::string path_;
};

// On a terminal, how far it is.
class MessageProgress {
 public:
  MessageProgress(Console& console, const Stream& input) : console_(console) {
    struct stat info = {};
    if (::fstat(input.fd(), &info) == 0 && S_ISREG(info.st_mode)) {
      total_ = static_cast<std::uint64_t>(info.st_size);
    }
  }
  ~MessageProgress() {
    if (shown_) console_.err << "\r\x1b[K" << std::flush;
  }
  void Add(std::size_t bytes) {
    done_ += bytes;
    const auto now = std::chrono::steady_clock::now();
    if (!console_.interactive || now < next_) return;
    next_ = now + kProgressEvery;
    shown_ = true;
    console_.err << "\r\x1b[K" << HumanBytes(done_);
    if (total_ > 0) console_.err << " of " << HumanBytes(total_);
    console_.err << std::flush;
  }

 private:
  Console& console_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + kProgressEvery;
};

Status Seal(KeySource& keys, SecretArena& arena, const MessageOptions& options, Console& console) {
  COFFER_ASSIGN(const EncryptionContext context, ParseUserContext(options.encryption_context));
  COFFER_ASSIGN(const auto input, OpenInput(options.input));
  COFFER_ASSIGN(const auto output, Output::Open(options.output));
  COFFER_ASSIGN(const DataKeyPtr key, keys.ForSealing(context));
  COFFER_ASSIGN(WholeMessageSealer sealer, WholeMessageSealer::Make(*key, context, kFrame, arena));
  MessageProgress progress(console, *input);
  Bytes plain(kPieceOfFile);
  Bytes sealed;
  for (;;) {
    COFFER_ASSIGN(const std::size_t got, input->Read(plain));
    if (got == 0) break;
    sealed.clear();
    COFFER_TRY(sealer.Write(ByteView(plain).first(got), sealed));
    COFFER_TRY(output->Write(sealed));
    progress.Add(got);
  }
  sealed.clear();
  COFFER_TRY(sealer.Finish(sealed));
  COFFER_TRY(output->Write(sealed));
  return output->Finish();
}

Status OpenMessage(KeySource& keys, SecretArena& arena, const MessageOptions& options,
                   Console& console) {
  OpenRules rules;
  COFFER_ASSIGN(rules.policy, ParseCommitmentPolicy(options.commitment_policy));
  COFFER_ASSIGN(rules.context, ParseUserContext(options.encryption_context));
  rules.limits.max_encrypted_data_keys = options.max_encrypted_data_keys;
  COFFER_ASSIGN(const auto input, OpenInput(options.input));
  COFFER_ASSIGN(const auto output, Output::Open(options.output));
  WholeMessageOpener opener(keys, arena, std::move(rules), *output);
  MessageProgress progress(console, *input);
  Bytes sealed(kPieceOfFile);
  for (;;) {
    COFFER_ASSIGN(const std::size_t got, input->Read(sealed));
    if (got == 0) break;
    COFFER_TRY(opener.Write(ByteView(sealed).first(got)));
    progress.Add(got);
  }
  COFFER_TRY(opener.Finish());
  return output->Finish();
}

Status RunMessage(const MessageOptions& options, const Environment& environment, Console& console) {
  COFFER_TRY(HideProcessMemory());
  if (!options.keys.any()) {
    return Error{Code::kInvalid,
                 "no key is named: --kms-key, --key-file, --aes-key, --rsa-key or --recovery-key"};
  }
  COFFER_ASSIGN(const auto source, NamedKeySource::Make(options.volume, options.keys, environment));
  KeySource& keys = source->keys();
  SecretArena& arena = source->arena();
  return options.open ? OpenMessage(keys, arena, options, console)
                      : Seal(keys, arena, options, console);
}

}  // namespace

int RunMessageCommand(const MessageOptions& options, const Environment& environment,
                      Console& console) {
  const Status done = RunMessage(options, environment, console);
  if (done) return kExitOk;
  console.err << "coffer " << (options.open ? "open" : "seal") << ": "
              << Printable(done.error().what) << "\n";
  return ExitCodeOf(done.error());
}

}  // namespace coffer::fs
