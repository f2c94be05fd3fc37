#include "fs/reached_bucket.h"

#include <array>
#include <optional>
#include <string_view>

#include "fs/cmd_resolve.h"

namespace coffer::fs {
namespace {

struct PlaceBehind {
  std::string host;
  std::string port;
};

// What stands before the next ':', which an IPv6 address in brackets may hold.
std::string TakeField(std::string_view& text) {
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  const std::size_t end = bracket == text.npos ? text.npos : text.find(':', bracket);
  std::string field(text.substr(0, end));
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return field;
}

// Where `rule` leads to from `asked`; nothing when it is about another host or leads nowhere else.
std::optional<PlaceBehind> Led(std::string_view rule, const PlaceBehind& asked) {
  std::array<std::string, 4> fields;
  for (std::string& field : fields) field = TakeField(rule);
  const auto& [host, port, to_host, to_port] = fields;
  if (!host.empty() && host != asked.host) return std::nullopt;
  if (!port.empty() && port != asked.port) return std::nullopt;
  return PlaceBehind{to_host.empty() ? asked.host : to_host,
                     to_port.empty() ? asked.port : to_port};
}

}  // namespace

std::string ReachedBucket(const s3::Target& target, std::span<const std::string> connect_to) {
  const std::uint16_t standard = target.https ? 443 : 80;
  const PlaceBehind asked{target.host, std::to_string(target.port != 0 ? target.port : standard)};
  std::string name = BucketUrl(target);
  for (const std::string& rule : connect_to) {
    const auto led = Led(rule, asked);
    if (!led) continue;
    if (led->host != asked.host || led->port != asked.port) {
      name += " at " + led->host + ":" + led->port;
    }
    break;
  }
  return name;
}

}  // namespace coffer::fs
