// How many frames of 64 KiB one core seals and opens in a second, beside what OpenSSL gives:
// frames [SECONDS]. Prints {"seal", "open"}.

#include <ctime>
#include <functional>

#include "crypto/header.h"
#include "crypto/opener.h"
#include "crypto/sealer.h"
#include "tests/bench/bench.h"
#include "tests/support/test_keys.h"

namespace coffer::bench {
namespace {

constexpr std::uint32_t kFrame = 64u << 10;
constexpr std::uint32_t kRun = 16;  // frames in a call: a MiB

// As `openssl speed` counts: by the time that the processor gave, not by the clock on the wall.
double FramesPerSecond(double seconds, const std::function<void()>& run) {
  const std::clock_t start = std::clock();
  const auto spent = [start] { return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC; };
  std::uint64_t frames = 0;
  for (; spent() < seconds; frames += kRun) run();
  return static_cast<double>(frames) / spent();
}

void Measure(double seconds) {
  SecretArena arena(16);
  const DataKeyPtr key = test::MakeDataKey(arena);
  const EncryptionContext context{{"coffer", "1"}};
  const auto sealer = Sealer::MakeUnpadded(*key, context, kFrame, arena).value();
  const std::vector<char> content = Content(kRun * kFrame);
  const ByteView plain = AsBytes(std::string_view(content.data(), content.size()));

  // the first run, and the end of a message, for opening
  const Shape shape = sealer->layout().ShapeOf(PlainSize{plain.size() + 1}).value();
  const FrameRun run{1, kRun};
  Bytes first(shape.SealedOf(run).size);
  sealer->Seal(1, plain, first).value();
  Bytes out(first.size());
  FrameNumber next = kRun + 1;
  const double sealed = FramesPerSecond(seconds, [&] {
    sealer->Seal(next, plain, out).value();
    next += kRun;
  });

  const Header header = ParseHeader(sealer->header(), {}).value();
  const Opener opener = Opener::Make(header, sealer->header(), *key, arena).value();
  Bytes back(plain.size());
  const double opened =
      FramesPerSecond(seconds, [&] { opener.Open(shape, run, first, back).value(); });
  if (!std::equal(back.begin(), back.end(), plain.begin()))
    throw std::runtime_error("not the same");
  std::printf("{\"seal\": %.0f, \"open\": %.0f}\n", sealed, opened);
}

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) {
  try {
    coffer::bench::Measure(argc > 1 ? std::atof(argv[1]) : 3);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "frames: %s\n", error.what());
    return 1;
  }
}
