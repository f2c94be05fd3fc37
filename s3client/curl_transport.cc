#include "s3client/curl_transport.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <functional>
#include <mutex>
#include <new>
#include <set>
#include <utility>

#include "crypto/ascii.h"
#include "crypto/openssl.h"

namespace coffer::s3 {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64u << 10;
constexpr std::uint64_t kMaxErrorBytes = 4u << 20;
constexpr std::size_t kExpectAbove = 1u << 20;

template <auto Free>
struct CurlFreer {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Easy = std::unique_ptr<CURL, CurlFreer<curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, CurlFreer<curl_multi_cleanup>>;
using List = std::unique_ptr<curl_slist, CurlFreer<curl_slist_free_all>>;

using Milliseconds = std::chrono::milliseconds;
SteadyTime Now() { return std::chrono::steady_clock::now(); }

bool AppendLine(List& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (!longer) return false;
  (void)list.release();
  list.reset(longer);
  return true;
}

// One reply as it comes in. The callbacks below only ever touch this.
struct Incoming {
  enum class Trouble { kNone, kHeadersTooLarge, kBodyTooLarge, kNoMemory, kMalformed };

  explicit Incoming(std::uint64_t limit, bool is_secret = false)
      : max_body_bytes(limit), secret(is_secret) {}
  // What a reply that succeeded has moved away from here is empty.
  ~Incoming() {
    if (secret) Wipe(response.body);
  }
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  Response response;
  std::uint64_t max_body_bytes;
  const bool secret;
  std::size_t header_bytes = 0;
  bool head_done = false;
  bool sent_before = false;
  std::uint64_t received_bytes = 0;
  Trouble trouble = Trouble::kNone;

  bool Fail(Trouble what) {
    trouble = what;
    return false;
  }
  std::uint64_t BodyLimit() const {
    if (secret) return max_body_bytes;
    // An error says more than a small range allows.
    return response.status / 100 == 2 ? max_body_bytes : std::max(max_body_bytes, kMaxErrorBytes);
  }
  bool TakeHeaderLine(std::string_view line);
  bool TakeBody(std::string_view chunk);

 private:
  bool TakeStatusLine(std::string_view line);
  bool EndOfHead();
};

bool Incoming::TakeStatusLine(std::string_view line) {
  // A second status line follows an interim reply (100 Continue): forget the first.
  response = Response();
  head_done = false;
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return Fail(Trouble::kMalformed);
  const std::string_view digits = line.substr(space + 1, 3);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), response.status);
  if (error != std::errc() || end != digits.data() + 3 || response.status < 100 ||
      response.status > 599) {
    return Fail(Trouble::kMalformed);
  }
  return true;
}

bool Incoming::EndOfHead() {
  head_done = response.status >= 200;
  // A buffer that grows would leave copies behind.
  if (head_done && secret) response.body.reserve(BodyLimit());
  const std::string_view length = response.headers.Get("Content-Length");
  if (!head_done || length.empty()) return true;
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), size);
  // Unreadable lengths are curl's business (it refuses them); HEAD has a length and no body.
  if (error != std::errc() || end != length.data() + length.size()) return true;
  if (max_body_bytes > 0 && size > BodyLimit()) return Fail(Trouble::kBodyTooLarge);
  response.body.reserve(std::min(size, BodyLimit()));
  return true;
}

bool Incoming::TakeHeaderLine(std::string_view line) {
  received_bytes += line.size();
  header_bytes += line.size();
  if (header_bytes > kMaxHeaderBytes) return Fail(Trouble::kHeadersTooLarge);
  if (line.substr(0, 5) == "HTTP/") return TakeStatusLine(line);
  if (head_done) return true;  // trailers after a chunked body: nothing we ask for
  const std::string_view field = Trimmed(line);
  if (field.empty()) return EndOfHead();
  const auto colon = field.find(':');
  if (colon == std::string_view::npos || colon == 0) return Fail(Trouble::kMalformed);
  response.headers.Add(std::string(Trimmed(field.substr(0, colon))),
                       std::string(Trimmed(field.substr(colon + 1))));
  return true;
}

bool Incoming::TakeBody(std::string_view chunk) {
  received_bytes += chunk.size();
  Bytes& body = response.body;
  if (chunk.size() > BodyLimit() - body.size()) return Fail(Trouble::kBodyTooLarge);
  Append(body, AsBytes(chunk));
  return true;
}

// Exceptions must not cross C frames; running out of memory is the one that can happen.
template <bool (Incoming::*Take)(std::string_view)>
std::size_t OnBytes(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& incoming = *static_cast<Incoming*>(user);
  try {
    return (incoming.*Take)({data, size * count}) ? size * count : 0;
  } catch (const std::bad_alloc&) {
    incoming.Fail(Incoming::Trouble::kNoMemory);
    return 0;
  }
}

// Called before each time that curl sends the request. It would repeat one by itself when a pooled
// connection dies, and a repeated write must be known as such: refuse the second time.
int OnSend(void* user, char*, char*, int, int) noexcept {
  auto& incoming = *static_cast<Incoming*>(user);
  const bool again = std::exchange(incoming.sent_before, true);
  return again ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.substr(0, 4) == "127." ||
         (host.size() > 10 && host.substr(host.size() - 10) == ".localhost");
}

bool SpeaksHttp(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

// The fields as curl wants them; curl's own Accept, Content-Type and, for small bodies, Expect go.
Result<List> HeaderLines(const Request& request) {
  List lines;
  bool ok = true;
  for (const auto& [name, value] : request.headers.fields()) {
    if (!SpeaksHttp(name) || !SpeaksHttp(value) || name.empty()) {
      return Error{Code::kInvalid, "a header field with a line break or NUL in it"};
    }
    // "Name;" is how curl is told to send an empty value.
    std::string line = name;
    line.append(value.empty() ? ";" : ": ").append(value);
    ok = ok && AppendLine(lines, line);
  }
  if (!request.headers.Has("Host"))
    ok = ok && AppendLine(lines, "Host: " + request.url.Authority());
  if (!request.headers.Has("Accept")) ok = ok && AppendLine(lines, "Accept:");
  if (!request.headers.Has("Content-Type")) ok = ok && AppendLine(lines, "Content-Type:");
  if (request.body.size() <= kExpectAbove) ok = ok && AppendLine(lines, "Expect:");
  if (!ok) return Error{Code::kNoMemory, "no memory for the request's header"};
  return lines;
}

// One easy handle in a multi of its own, which owns its connections. Used by one thread at a time.
class CurlConnection {
 public:
  static std::unique_ptr<CurlConnection> Make(const CurlOptions& options, curl_slist* connect_to);

  Result<Response> Exchange(const Request& request, const CurlOptions& options,
                            const std::atomic<bool>& interrupted);
  // From any thread: makes a running Exchange look at the flag.
  void Wake() { curl_multi_wakeup(multi_.get()); }

  std::string origin;  // where the last exchange went, and an idle connection may still lead

 private:
  void Prepare(const Request& request, curl_slist* headers, const CurlOptions& options);
  Result<CURLcode> Run(const Request& request, const CurlOptions& options, const Incoming& incoming,
                       const std::atomic<bool>& interrupted);
  std::uint64_t SentBytes() const;

  Multi multi_;
  Easy easy_;  // after multi_: cleaned up before it
  std::size_t last_identity_ = 0;
  char error_[CURL_ERROR_SIZE] = "";
};

std::unique_ptr<CurlConnection> CurlConnection::Make(const CurlOptions& options,
                                                     curl_slist* connect_to) {
  auto connection = std::make_unique<CurlConnection>();
  connection->multi_.reset(curl_multi_init());
  connection->easy_.reset(curl_easy_init());
  CURL* easy = connection->easy_.get();
  if (!easy || !connection->multi_) return nullptr;
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, connection->error_);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "coffer/" COFFER_VERSION);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L << 10);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnBytes<&Incoming::TakeHeaderLine>);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBytes<&Incoming::TakeBody>);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, OnSend);
  if (!options.ca_bundle.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_bundle.c_str());
  }
  if (connect_to) curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to);
  return connection;
}

void CurlConnection::Prepare(const Request& request, curl_slist* headers,
                             const CurlOptions& options) {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_URL, request.url.ToString().c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, request.url.https ? "https" : "http");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  // A proxy for the whole machine is for what lies outside of it.
  const bool direct = IsLoopback(request.url.host) || !options.connect_to.empty();
  curl_easy_setopt(easy, CURLOPT_PROXY, direct ? "" : nullptr);
  curl_easy_setopt(easy, CURLOPT_NOBODY, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, nullptr);
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (request.method == "PUT" || request.method == "POST") {
    // As a POST by another name curl sends small bodies along with the head, in one packet.
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                     request.body.empty() ? "" : AsText(request.body).data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else if (request.method != "GET") {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

std::uint64_t CurlConnection::SentBytes() const {
  curl_off_t sent = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
  return static_cast<std::uint64_t>(sent);
}

// The two limits that curl does not have as we need them: the wait for the reply's first byte, and
// a minimum of progress that neither that wait nor a server's keep-alive blanks run into.
class Progress {
 public:
  Progress(const Request& request, const CurlOptions& options)
      : body_bytes_(request.body.size()),
        first_byte_(request.first_byte_timeout.count() > 0 ? request.first_byte_timeout
                                                           : options.first_byte_timeout),
        window_(options.low_speed_time),
        // Blanks that keep a slow reply alive are progress, however few.
        window_bytes_(request.xml_reply
                          ? 1
                          : std::max<std::uint64_t>(1, options.low_speed_bytes *
                                                           options.low_speed_time.count() / 1000)),
        since_(Now()) {}

  // The time left until the exchange must be cut, as things stand; not positive when it is up.
  Milliseconds Left(std::uint64_t sent, const Incoming& incoming) {
    const auto now = Now();
    const std::uint64_t moved_bytes = sent + incoming.received_bytes;
    if (!incoming.sent_before) {  // curl's own connect timeout is running
      since_ = now;
      return window_;
    }
    // An interim reply (100 Continue) is not the one that is waited for.
    waiting_ = incoming.response.status < 200 && sent >= body_bytes_;
    const bool moved = moved_bytes - counted_ >= (waiting_ ? 1 : window_bytes_);
    if (moved || waiting_ != was_waiting_) {
      since_ = now;
      counted_ = moved_bytes;
      was_waiting_ = waiting_;
    }
    const auto limit = waiting_ ? first_byte_ : window_;
    return std::chrono::ceil<Milliseconds>(since_ + limit - now);
  }
  Error TooSlow() const {
    return {Code::kTimeout,
            waiting_ ? "no reply within " + std::to_string(first_byte_.count()) + " ms"
                     : "too little progress within " + std::to_string(window_.count()) + " ms"};
  }

 private:
  const std::uint64_t body_bytes_;
  const Milliseconds first_byte_;
  const Milliseconds window_;
  const std::uint64_t window_bytes_;
  SteadyTime since_;
  std::uint64_t counted_ = 0;
  bool waiting_ = false;
  bool was_waiting_ = false;
};

// Runs the prepared exchange to its end, or to ours.
Result<CURLcode> CurlConnection::Run(const Request& request, const CurlOptions& options,
                                     const Incoming& incoming,
                                     const std::atomic<bool>& interrupted) {
  Progress progress(request, options);
  int running = 1;
  for (;;) {
    if (curl_multi_perform(multi_.get(), &running) != CURLM_OK) {
      return Error{Code::kUnavailable, "libcurl failed"};
    }
    if (running == 0) break;
    if (interrupted) return Error{Code::kInterrupted, "shutting down"};
    const auto left = progress.Left(SentBytes(), incoming);
    if (left.count() <= 0) return progress.TooSlow();
    const int wait_ms = static_cast<int>(std::min<std::int64_t>(left.count(), 1000));
    curl_multi_poll(multi_.get(), nullptr, 0, wait_ms, nullptr);
  }
  int queued = 0;
  const CURLMsg* message = curl_multi_info_read(multi_.get(), &queued);
  if (!message || message->msg != CURLMSG_DONE) {
    return Error{Code::kUnavailable, "libcurl ended without a result"};
  }
  return message->data.result;
}

Error Explain(Incoming::Trouble trouble) {
  switch (trouble) {
    case Incoming::Trouble::kHeadersTooLarge:
      return {Code::kTooLarge, "the reply's header is over 64 KiB"};
    case Incoming::Trouble::kBodyTooLarge:
      return {Code::kTooLarge, "the reply's body is larger than it may be"};
    case Incoming::Trouble::kNoMemory:
      return {Code::kNoMemory, "no memory for the reply"};
    case Incoming::Trouble::kMalformed:
    case Incoming::Trouble::kNone:
      break;
  }
  return {Code::kUnavailable, "the reply is not HTTP"};
}

Error Explain(CURLcode result, const char* detail) {
  std::string what = *detail ? detail : curl_easy_strerror(result);
  switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
      return {Code::kTimeout, std::move(what)};
    case CURLE_PEER_FAILED_VERIFICATION:
      if (what.find("subject name") != std::string::npos) {
        return {Code::kDenied, what +
                                   "; the certificate is for other names: is --endpoint-url "
                                   "right, and does the server want --force-path-style?"};
      }
      [[fallthrough]];
    case CURLE_SSL_ISSUER_ERROR:
      return {Code::kDenied, what + "; if the server has a private authority, give --ca-bundle"};
    case CURLE_SSL_CACERT_BADFILE:
      return {Code::kDenied, what + "; check --ca-bundle"};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {Code::kUnavailable, what + "; check the network, --region and --endpoint-url"};
    case CURLE_COULDNT_CONNECT:
      return {Code::kUnavailable, what + "; check the network and --endpoint-url"};
    case CURLE_SSL_CONNECT_ERROR:
      return {Code::kUnavailable, what + "; a server without TLS needs http:// in --endpoint-url"};
    case CURLE_OUT_OF_MEMORY:
      return {Code::kNoMemory, std::move(what)};
    case CURLE_ABORTED_BY_CALLBACK:
      return {Code::kUnavailable, "an idle connection was found closed"};
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {Code::kUnavailable,
              "the server does not speak HTTP/1.1, or the address is wrong: " + std::move(what)};
    default:
      return {Code::kUnavailable, std::move(what)};
  }
}

// What tells one reply from the next; 0 when nothing does.
std::size_t IdentityOf(const Headers& headers) {
  if (headers.Get("x-amz-request-id").empty() && headers.Get("x-amzn-requestid").empty()) return 0;
  std::string head;
  for (const auto& [name, value] : headers.fields()) head.append(name).append(":").append(value);
  return std::hash<std::string>()(head) | 1;
}

Result<Response> CurlConnection::Exchange(const Request& request, const CurlOptions& options,
                                          const std::atomic<bool>& interrupted) {
  COFFER_ASSIGN(const List headers, HeaderLines(request));
  // A HEAD reply has the length of a body that never comes: no limit applies to it.
  Incoming incoming(request.method == "HEAD" ? 0 : request.max_reply_bytes, request.secret_reply);
  error_[0] = '\0';
  Prepare(request, headers.get(), options);
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &incoming);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &incoming);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, &incoming);
  if (curl_multi_add_handle(multi_.get(), easy) != CURLM_OK) {
    return Error{Code::kUnavailable, "libcurl failed"};
  }
  auto result = Run(request, options, incoming, interrupted);
  curl_multi_remove_handle(multi_.get(), easy);
  if (!result) return std::move(result).error();
  if (incoming.trouble != Incoming::Trouble::kNone) return Explain(incoming.trouble);
  if (*result != CURLE_OK) return Explain(*result, error_);
  if (!incoming.head_done) return Explain(Incoming::Trouble::kMalformed);
  // A reply that the network delivered twice must not answer the request after. Every reply has an
  // id of its own; a server that gives all the same one is told by the rest of the head.
  const std::size_t identity = IdentityOf(incoming.response.headers);
  if (identity != 0 && identity == last_identity_) {
    return Error{Code::kUnavailable, "the reply before came once more"};
  }
  last_identity_ = identity;
  return std::move(incoming.response);
}

}  // namespace

// The idle connections, newest last, and those at work so that they can be woken.
class CurlTransport::Pool {
 public:
  explicit Pool(const CurlOptions& options) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (const auto& entry : options.connect_to) AppendLine(connect_to_, entry);
  }
  ~Pool() {
    idle_.clear();
    curl_global_cleanup();
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  std::unique_ptr<CurlConnection> Take(const CurlOptions& options, const std::string& origin) {
    {
      const std::lock_guard lock(mu_);
      const auto it = std::find_if(idle_.rbegin(), idle_.rend(),
                                   [&](const auto& c) { return c->origin == origin; });
      if (it != idle_.rend()) {
        auto connection = std::move(*it);
        idle_.erase(std::next(it).base());
        busy_.insert(connection.get());
        return connection;
      }
    }
    auto connection = CurlConnection::Make(options, connect_to_.get());
    if (!connection) return nullptr;
    connection->origin = origin;
    const std::lock_guard lock(mu_);
    busy_.insert(connection.get());
    return connection;
  }

  // Gives a connection back, to be used again or, after a failure, to be dropped.
  void Return(std::unique_ptr<CurlConnection> connection, bool reusable, std::size_t max_idle) {
    std::unique_ptr<CurlConnection> dropped;  // closed after the lock is gone
    const std::lock_guard lock(mu_);
    busy_.erase(connection.get());
    if (!reusable || max_idle == 0) {
      dropped = std::move(connection);
      return;
    }
    if (idle_.size() >= max_idle) {
      dropped = std::move(idle_.front());
      idle_.erase(idle_.begin());
    }
    idle_.push_back(std::move(connection));
  }

  void Interrupt() {
    interrupted = true;
    const std::lock_guard lock(mu_);
    for (CurlConnection* connection : busy_) connection->Wake();
  }

  std::atomic<bool> interrupted{false};

 private:
  std::mutex mu_;
  std::vector<std::unique_ptr<CurlConnection>> idle_;
  std::set<CurlConnection*> busy_;
  List connect_to_;
};

CurlTransport::CurlTransport(CurlOptions options)
    : options_(std::move(options)), pool_(std::make_unique<Pool>(options_)) {}

CurlTransport::~CurlTransport() = default;

void CurlTransport::Interrupt() { pool_->Interrupt(); }

Result<Response> CurlTransport::Send(const Request& request) {
  if (pool_->interrupted) return Error{Code::kInterrupted, "shutting down"};
  const std::string origin = (request.url.https ? "https://" : "http://") + request.url.Authority();
  auto connection = pool_->Take(options_, origin);
  if (!connection) return Error{Code::kNoMemory, "no memory for a connection"};
  auto response = connection->Exchange(request, options_, pool_->interrupted);
  const bool reusable = response.has_value();
  pool_->Return(std::move(connection), reusable, options_.max_idle_connections);
  if (!response) return std::move(response).error().While(request.method + " " + origin);
  return response;
}

}  // namespace coffer::s3
