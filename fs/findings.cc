#include "fs/findings.h"

#include <unistd.h>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "fs/directories.h"
#include "fs/private_file.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kFindingsLimit = 64u << 10;

std::string FindingsFile(const std::string& state_directory, const std::string& bucket) {
  const Sha256Digest digest = Sha256(AsBytes(bucket));
  return state_directory + "/conditions/" + HexEncode(ByteView(digest.data(), 8));
}

}  // namespace

std::string StateDirectory(const VolumeOptions& options, const Environment& environment) {
  if (!options.state_dir.empty()) return options.state_dir;
  return DefaultStateDirectory(geteuid(), environment);
}

void LoadFindings(const std::string& state_directory, const std::string& bucket,
                  s3::ConditionMemory& memory) {
  const std::string path = FindingsFile(state_directory, bucket);
  const auto there = HasPrivateFile(path);
  if (!there || !*there) return;
  const auto text = ReadPrivateFile(path, kFindingsLimit);
  if (text) memory.Import(*text);
}

Status SaveFindings(const std::string& state_directory, const std::string& bucket,
                    const s3::ConditionMemory& memory) {
  const std::string path = FindingsFile(state_directory, bucket);
  COFFER_TRY(MakePrivateDirectory(state_directory + "/conditions"));
  return ReplacePrivateFile(path, memory.Export());
}

}  // namespace coffer::fs
