#include "crypto/string_map.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace coffer {
namespace {

// Says no to the first thing that is none of ours.
class Members : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::map<std::string, std::string> Take() { return std::move(members_); }

  bool null() override { return false; }
  bool boolean(bool /*value*/) override { return false; }
  bool number_integer(number_integer_t /*value*/) override { return false; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return false; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return false; }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_array(std::size_t /*size*/) override { return false; }
  bool end_array() override { return false; }
  bool end_object() override { return true; }
  bool start_object(std::size_t /*size*/) override { return !std::exchange(inside_, true); }
  bool key(string_t& name) override {
    name_ = name;
    return !members_.contains(name_);
  }
  bool string(string_t& value) override {
    return inside_ && members_.emplace(name_, std::move(value)).second;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*why*/) override {
    return false;
  }

 private:
  bool inside_ = false;
  std::string name_;
  std::map<std::string, std::string> members_;
};

}  // namespace

Result<std::map<std::string, std::string>> ParseStringMap(std::string_view json) {
  Members members;
  if (!nlohmann::json::sax_parse(json, &members)) {
    return Error{Code::kInvalid, "not a JSON object of strings with different names"};
  }
  return members.Take();
}

}  // namespace coffer
