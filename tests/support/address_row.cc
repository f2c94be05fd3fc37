#include "tests/support/address_row.h"

#include <map>
#include <sstream>

namespace coffer::test {
namespace {

using s3::AddressOptions;

bool ReadOptions(const std::string& text, AddressOptions& options) {
  const std::map<std::string, bool AddressOptions::*> switches = {
      {"--force-path-style", &AddressOptions::force_path_style},
      {"--fips", &AddressOptions::fips},
      {"--dual-stack", &AddressOptions::dual_stack},
      {"--transfer-acceleration", &AddressOptions::transfer_acceleration},
      {"--disable-multi-region-access-points",
       &AddressOptions::disable_multi_region_access_points}};
  const std::map<std::string, std::string AddressOptions::*> values = {
      {"--region", &AddressOptions::region},
      {"--endpoint-url", &AddressOptions::endpoint_url},
      {"--prefix", &AddressOptions::prefix}};
  if (text.starts_with("--region=")) {  // a value with a space in it, alone
    options.region = text.substr(9);
    return true;
  }
  std::istringstream words(text);
  std::string word;
  while (words >> word) {
    if (word == "--no-use-arn-region") {
      options.use_arn_region = false;
    } else if (switches.count(word) != 0) {
      options.*switches.at(word) = true;
    } else if (values.count(word) == 0 || !(words >> options.*values.at(word))) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<AddressRow> ParseAddressRow(std::string_view line) {
  const auto first = line.find(" | ");
  const auto second = first == std::string_view::npos ? first : line.find("| ", first + 3);
  if (second == std::string_view::npos) return std::nullopt;
  AddressRow row;
  row.source = line.substr(0, first);
  row.expected = line.substr(second + 2);
  std::string options(line.substr(first + 3, second - first - 3));
  while (options.ends_with(' ')) options.pop_back();
  if (!ReadOptions(options, row.options)) return std::nullopt;
  return row;
}

std::string Summary(const Result<s3::Target>& target) {
  if (!target) return "refused: " + target.error().what;
  s3::Url url = target->UrlFor("");
  url.path = target->base_path;
  const std::string region = target->region.empty() ? "-" : target->region;
  return url.ToString() + ' ' + std::string(Name(target->scheme)) + ' ' + target->signing_name +
         ' ' + (target->region_set.empty() ? region : target->region_set);
}

}  // namespace coffer::test
