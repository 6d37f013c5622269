// HttpOrigin: the server that a server under test fetches files from (--upstream), in a thread of the test. Each path
// has its answer, right or wrong, as the case has set it; a path without one is a 404.
//
//   HttpOrigin origin;
//   origin.Start();
//   origin.ServeFile("/a", "hello");                         200, with an ETag; 304 if the request has that ETag
//   origin.Serve("/b", {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"});   and then the end
//   EXPECT_EQ(origin.requests("/a"), 1u);
//
// A real server on 127.0.0.1. The calls may come from the test's thread; none waits, but for the constructor and the
// destructor.
#ifndef POLYSERVE_TESTS_HTTP_ORIGIN_H_
#define POLYSERVE_TESTS_HTTP_ORIGIN_H_

#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace polyserve {

class HttpOrigin {
 public:
  struct Answer {
    std::string bytes = {};  // Sent at once: a head, and content, as they are.
    std::string rest = {};   // Sent on Release().
    // Sent behind `bytes` again and again, one byte at a time, until the other side ends the connection.
    std::string drip = {};
    // What happens when all of that is sent: a reset (SO_LINGER of 0), or the end; or neither.
    bool resets = false;
    bool stays = false;
    std::string etag = {};  // Not empty: a request that has it is answered with 304.
  };

  HttpOrigin();
  ~HttpOrigin();
  // Its thread. What connects while there is none waits: for tests that fork, which a process with threads must not.
  void Start();
  void Stop();
  HttpOrigin(const HttpOrigin&) = delete;
  HttpOrigin& operator=(const HttpOrigin&) = delete;

  const std::string& address() const { return address_; }  // "127.0.0.1:PORT"
  void Serve(absl::string_view path, Answer answer);
  // `fields` are further lines of the head, each with its CR LF.
  void ServeFile(absl::string_view path, absl::string_view content, absl::string_view fields = "");
  // The ETag of a file with this content.
  static std::string ETagOf(absl::string_view content);

  size_t requests(absl::string_view path) const;           // That have come so far.
  std::string last_request(absl::string_view path) const;  // Its head.
  size_t held() const;                                     // Connections that wait for Release().
  size_t connections() const;                              // That the other side has not ended.
  // Sends the rest of all answers that have one, and from now on at once.
  void Release();

 private:
  struct Connection {
    UniqueFd fd;
    std::string received = {};
    Answer answer = {};
    bool is_held = false;
    size_t dripped = 0;
  };
  struct Asked {
    size_t times = 0;
    std::string last = {};
  };

  void Run();
  bool Take(Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Obey(Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static bool Finish(Connection& connection);
  static void Drip(Connection& connection);

  UniqueFd listener_;
  std::string address_;
  UniqueFd wake_;  // An eventfd: there is something new for the thread.
  mutable Mutex mutex_;
  std::map<std::string, Answer, std::less<>> answers_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Asked, std::less<>> asked_ ABSL_GUARDED_BY(mutex_);
  std::list<Connection> connections_ ABSL_GUARDED_BY(mutex_);
  bool releases_ ABSL_GUARDED_BY(mutex_) = false;
  bool ends_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // Between Start() and Stop().
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_HTTP_ORIGIN_H_
