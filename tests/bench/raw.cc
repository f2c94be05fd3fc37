// The limit of the wire: what libcurl alone gets from the server, with as many connections as
// named. Every request is signed (SigV4), bodies included.
//
//   raw URL make                                      the bucket of URL, http://HOST:PORT/BUCKET
//   raw URL upload KEY SIZE CONNECTIONS               one object, in parts of 8 MiB
//   raw URL download KEY SIZE CONNECTIONS             one object, in ranges of 8 MiB
//   raw URL random KEY SIZE BLOCK COUNT CONNECTIONS SEED
//   raw URL put PREFIX COUNT SIZE CONNECTIONS [FAN]   small objects, named as `files` names files
//   raw URL get|head|delete PREFIX COUNT CONNECTIONS
//   raw URL copy PREFIX TARGET COUNT CONNECTIONS
//   raw URL remove PREFIX COUNT                       by DeleteObjects
//   raw URL list PREFIX                               counts files (not markers) and their bytes
//   raw URL clear PREFIX                              removes what is there, whatever it is
//
// Keys come from the environment, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Prints {"seconds",
// "count", "bytes"}; exit code 1 and the reason when a request fails.

#include <curl/curl.h>
#include <openssl/evp.h>

#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>

#include "tests/bench/bench.h"

namespace coffer::bench {
namespace {

constexpr std::uint64_t kPart = 8u << 20;
constexpr std::size_t kPage = 1000;  // keys in a listing, and in a DeleteObjects

using Headers = std::vector<std::string>;

std::vector<unsigned char> Digest(const EVP_MD* kind, std::string_view bytes) {
  std::vector<unsigned char> out(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, kind, nullptr) != 1) {
    throw std::runtime_error("no digest");
  }
  out.resize(size);
  return out;
}

std::string Sha256(std::string_view bytes) {
  std::string out;
  char hex[3];
  for (const unsigned char byte : Digest(EVP_sha256(), bytes)) {
    std::snprintf(hex, sizeof hex, "%02x", byte);
    out += hex;
  }
  return out;
}

std::string Md5(std::string_view bytes) {
  const auto digest = Digest(EVP_md5(), bytes);
  std::string out(4 * ((digest.size() + 2) / 3), 0);
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  EVP_EncodeBlock(to, digest.data(), static_cast<int>(digest.size()));
  return out;
}

// The texts between each <tag> and </tag>.
std::vector<std::string> Elements(const std::string& xml, const std::string& tag) {
  std::vector<std::string> out;
  const std::string open = "<" + tag + ">";
  for (auto at = xml.find(open); at != xml.npos; at = xml.find(open, at)) {
    at += open.size();
    out.push_back(xml.substr(at, xml.find("</" + tag + ">", at) - at));
  }
  return out;
}

struct Reply {
  std::string body;  // unless it was only counted
  std::uint64_t bytes = 0;
  std::string etag;
};

// One connection, of one thread.
class Connection {
 public:
  explicit Connection(std::string bucket_url)
      : url_(std::move(bucket_url)),
        user_(Environment("AWS_ACCESS_KEY_ID") + ":" + Environment("AWS_SECRET_ACCESS_KEY")),
        easy_(curl_easy_init()) {}
  ~Connection() { curl_easy_cleanup(easy_); }
  Connection(Connection&& other) noexcept
      : url_(std::move(other.url_)),
        user_(std::move(other.user_)),
        easy_(std::exchange(other.easy_, nullptr)) {}

  // `path` is "", "/KEY" or a query; `count_only` drops what is fetched, as a reader with its own
  // buffer would take it.
  Reply Send(const char* method, const std::string& path, Headers headers = {},
             std::string_view body = {}, bool count_only = false) {
    reply_ = {};
    count_only_ = count_only;
    body_ = body;
    headers.push_back("x-amz-content-sha256: " + Sha256(body));
    curl_slist* list = nullptr;
    for (const std::string& line : headers) list = curl_slist_append(list, line.c_str());
    SetUp(method, list, (url_ + path).c_str());
    const CURLcode code = curl_easy_perform(easy_);
    curl_slist_free_all(list);
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status >= 300) {
      throw std::runtime_error(std::string(method) + " " + path + ": " +
                               (code != CURLE_OK ? curl_easy_strerror(code)
                                                 : std::to_string(status) + " " + reply_.body));
    }
    return std::move(reply_);
  }

 private:
  static std::string Environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  }
  static std::size_t Receive(char* data, std::size_t, std::size_t size, void* self) {
    auto& connection = *static_cast<Connection*>(self);
    connection.reply_.bytes += size;
    long status = 0;
    curl_easy_getinfo(connection.easy_, CURLINFO_RESPONSE_CODE, &status);
    if (!connection.count_only_ || status >= 300) connection.reply_.body.append(data, size);
    return size;
  }
  static std::size_t Header(char* data, std::size_t, std::size_t size, void* self) {
    const std::string_view line(data, size);
    if (line.size() > 8 && (line.starts_with("ETag: ") || line.starts_with("etag: "))) {
      static_cast<Connection*>(self)->reply_.etag = line.substr(6, line.size() - 8);
    }
    return size;
  }
  static std::size_t Supply(char* to, std::size_t, std::size_t room, void* self) {
    std::string_view& body = static_cast<Connection*>(self)->body_;
    const std::size_t size = std::min(room, body.size());
    std::memcpy(to, body.data(), size);
    body.remove_prefix(size);
    return size;
  }
  void SetUp(const char* method, curl_slist* headers, const char* url) {
    curl_easy_reset(easy_);
    curl_easy_setopt(easy_, CURLOPT_URL, url);
    curl_easy_setopt(easy_, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy_, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:s3");
    curl_easy_setopt(easy_, CURLOPT_USERPWD, user_.c_str());
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, 512L << 10);
    curl_easy_setopt(easy_, CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
    // an "Expect:" of ours, to send none, would be signed and then left out
    curl_easy_setopt(easy_, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, Receive);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, Header);
    curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
    if (std::strcmp(method, "HEAD") == 0) curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
    if (std::strcmp(method, "PUT") == 0 || std::strcmp(method, "POST") == 0) {
      curl_easy_setopt(easy_, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(easy_, CURLOPT_READFUNCTION, Supply);
      curl_easy_setopt(easy_, CURLOPT_READDATA, this);
      curl_easy_setopt(easy_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(body_.size()));
    }
    curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, method);
  }

  std::string url_;
  std::string user_;
  CURL* easy_;
  Reply reply_;
  std::string_view body_;
  bool count_only_ = false;
};

// What Coffer and s3fs store beside a file, so that both know these objects for files.
Headers FileMetadata(bool directory = false) {
  const std::string now = std::to_string(std::time(nullptr));
  return {std::string("x-amz-meta-mode: ") + (directory ? "16877" : "33188"), "x-amz-meta-uid: 0",
          "x-amz-meta-gid: 0", "x-amz-meta-mtime: " + now,
          "Content-Type: application/octet-stream"};
}

std::string Range(std::uint64_t offset, std::uint64_t size) {
  return "Range: bytes=" + std::to_string(offset) + "-" + std::to_string(offset + size - 1);
}

class Raw {
 public:
  explicit Raw(std::string url) : url_(std::move(url)) {}

  Outcome Run(const std::string& operation, Arguments& arguments) {
    if (operation == "make") return Make();
    if (operation == "upload") return Upload(arguments);
    if (operation == "download") return Download(arguments);
    if (operation == "random") return Random(arguments);
    if (operation == "put") return Put(arguments);
    if (operation == "get") return Each("GET", arguments);
    if (operation == "head") return Each("HEAD", arguments);
    if (operation == "delete") return Each("DELETE", arguments);
    if (operation == "copy") return Copy(arguments);
    if (operation == "remove") return Remove(arguments);
    if (operation == "list") return List(arguments);
    if (operation == "clear") return Clear(arguments);
    throw std::runtime_error("no operation " + operation);
  }

 private:
  // `work(connection, i)` for each i below `count`, on as many connections, timed.
  template <typename Work>
  Outcome Timed(std::size_t connections, std::size_t count, Work work) {
    std::atomic<std::uint64_t> bytes = 0;
    const auto start = Clock::now();
    Parallel(connections, count, [&] {
      return [&, connection = Connection(url_)](std::size_t i) mutable {
        bytes += work(connection, i);
      };
    });
    return {SecondsSince(start), count, bytes};
  }

  Outcome Make() {
    return Timed(1, 1, [](Connection& c, std::size_t) { return c.Send("PUT", "/").bytes; });
  }

  Outcome Upload(Arguments& arguments) {
    const std::string path = "/" + arguments.Text();
    const std::uint64_t size = arguments.Number();
    const std::uint64_t connections = arguments.Number();
    const std::vector<char> data = Content(kPart);
    const std::size_t parts = (size + kPart - 1) / kPart;
    const auto start = Clock::now();
    Connection first(url_);
    const std::string created = first.Send("POST", path + "?uploads=", FileMetadata()).body;
    const std::string id = Elements(created, "UploadId").at(0);
    std::vector<std::string> etags(parts);
    Timed(connections, parts, [&](Connection& c, std::size_t i) {
      const std::uint64_t here = std::min(kPart, size - i * kPart);
      const std::string query = "?partNumber=" + std::to_string(i + 1) + "&uploadId=" + id;
      etags[i] = c.Send("PUT", path + query, {}, {data.data(), here}).etag;
      return here;
    });
    std::string list = "<CompleteMultipartUpload>";
    for (std::size_t i = 0; i < parts; ++i) {
      list += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" + etags[i] +
              "</ETag></Part>";
    }
    first.Send("POST", path + "?uploadId=" + id, {}, list + "</CompleteMultipartUpload>");
    return {SecondsSince(start), 1, size};
  }

  Outcome Download(Arguments& arguments) {
    const std::string path = "/" + arguments.Text();
    const std::uint64_t size = arguments.Number();
    const std::uint64_t connections = arguments.Number();
    return Timed(connections, (size + kPart - 1) / kPart, [&](Connection& c, std::size_t i) {
      const Headers range{Range(i * kPart, std::min(kPart, size - i * kPart))};
      return c.Send("GET", path, range, {}, true).bytes;
    });
  }

  Outcome Random(Arguments& arguments) {
    const std::string path = "/" + arguments.Text();
    const std::uint64_t size = arguments.Number();
    const std::uint64_t block = arguments.Number();
    const std::uint64_t count = arguments.Number();
    const std::uint64_t connections = arguments.Number();
    const auto offsets = RandomOffsets(size, block, count, arguments.Number());
    return Timed(connections, offsets.size(), [&](Connection& c, std::size_t i) {
      return c.Send("GET", path, {Range(offsets[i], block)}, {}, true).bytes;
    });
  }

  Outcome Put(Arguments& arguments) {
    const std::string path = "/" + arguments.Text() + "/";
    const std::uint64_t count = arguments.Number();
    const std::vector<char> data = Content(arguments.Number());
    const std::uint64_t connections = arguments.Number();
    const std::uint64_t fan = arguments.NumberOr(0);
    Connection markers(url_);
    markers.Send("PUT", path, FileMetadata(true));
    for (std::uint64_t i = 0; i < fan; ++i) {
      markers.Send("PUT", path + DirectoryName(i, fan) + "/", FileMetadata(true));
    }
    return Timed(connections, count, [&](Connection& c, std::size_t i) {
      c.Send("PUT", path + FileName(i, fan), FileMetadata(), {data.data(), data.size()});
      return data.size();
    });
  }

  Outcome Each(const char* method, Arguments& arguments) {
    const std::string path = "/" + arguments.Text() + "/";
    const std::uint64_t count = arguments.Number();
    return Timed(arguments.Number(), count, [&](Connection& c, std::size_t i) {
      return c.Send(method, path + FileName(i, 0), {}, {}, true).bytes;
    });
  }

  Outcome Copy(Arguments& arguments) {
    const std::string from = "/" + arguments.Text() + "/";
    const std::string to = "/" + arguments.Text() + "/";
    const std::uint64_t count = arguments.Number();
    const std::string bucket = url_.substr(url_.rfind('/'));
    return Timed(arguments.Number(), count, [&](Connection& c, std::size_t i) {
      const std::string name = FileName(i, 0);
      c.Send("PUT", to + name, {"x-amz-copy-source: " + bucket + from + name});
      return std::uint64_t{0};
    });
  }

  // DeleteObjects of up to a thousand keys each, one request after the other.
  Outcome DeleteAll(const std::vector<std::string>& keys) {
    return Timed(1, (keys.size() + kPage - 1) / kPage, [&](Connection& c, std::size_t page) {
      std::string list = "<Delete><Quiet>true</Quiet>";
      const std::size_t end = std::min(keys.size(), (page + 1) * kPage);
      for (std::size_t i = page * kPage; i < end; ++i) {
        list += "<Object><Key>" + keys[i] + "</Key></Object>";
      }
      list += "</Delete>";
      const Reply reply = c.Send("POST", "?delete=", {"Content-MD5: " + Md5(list)}, list);
      if (reply.body.find("<Error>") != std::string::npos) throw std::runtime_error(reply.body);
      return std::uint64_t{0};
    });
  }

  Outcome Remove(Arguments& arguments) {
    const std::string prefix = arguments.Text() + "/";
    std::vector<std::string> keys(arguments.Number());
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = prefix + FileName(i, 0);
    return DeleteAll(keys);
  }

  Outcome List(Arguments& arguments, std::vector<std::string>* keys = nullptr) {
    const std::string prefix = arguments.Text();
    Connection connection(url_);
    Outcome outcome;
    const auto start = Clock::now();
    for (std::string after = "";;) {
      const std::string page =
          connection.Send("GET", "?list-type=2&prefix=" + Escaped(prefix) + after).body;
      const auto names = Elements(page, "Key");
      outcome.count += std::count_if(names.begin(), names.end(),
                                     [](const std::string& name) { return !name.ends_with('/'); });
      for (const std::string& size : Elements(page, "Size")) outcome.bytes += std::stoull(size);
      if (keys != nullptr) keys->insert(keys->end(), names.begin(), names.end());
      if (names.empty() || Elements(page, "IsTruncated").at(0) != "true") break;
      after = "&start-after=" + Escaped(names.back());
    }
    outcome.seconds = SecondsSince(start);
    return outcome;
  }

  Outcome Clear(Arguments& arguments) {
    std::vector<std::string> keys;
    List(arguments, &keys);
    return DeleteAll(keys);
  }

  static std::string Escaped(const std::string& text) {
    char* escaped = curl_easy_escape(nullptr, text.c_str(), static_cast<int>(text.size()));
    std::string out = escaped;
    curl_free(escaped);
    return out;
  }

  const std::string url_;
};

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) {
  using namespace coffer::bench;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  try {
    Arguments arguments(argc - 1, argv + 1);
    Raw raw(arguments.Text());
    const std::string operation = arguments.Text();
    Print(raw.Run(operation, arguments));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "raw: %s\n", error.what());
    return 1;
  }
}
