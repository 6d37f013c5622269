// ScriptedServer: the server that a server under test asks (relay), in a thread of the test. What it does is written in
// the line that it gets, so that each client of a case decides for itself:
//
//   say TEXT     answers TEXT
//   hold TEXT    answers TEXT once Release() is called
//   half TEXT    sends TEXT without a line end, and ends the connection
//   end          ends the connection without an answer
//   reset        breaks it off
//   flood        sends bytes without a line end, until the other side has enough
//   garble       answers with control characters
//
// A real server on 127.0.0.1. The calls may come from the test's thread; none waits, but for the constructor and the
// destructor.
#ifndef POLYSERVE_TESTS_SCRIPTED_SERVER_H_
#define POLYSERVE_TESTS_SCRIPTED_SERVER_H_

#include <cstddef>
#include <list>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace polyserve {

class ScriptedServer {
 public:
  ScriptedServer();
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  const std::string& address() const { return address_; }  // "127.0.0.1:PORT"
  // How many questions it holds, and how many connections the other side has not ended.
  size_t held() const;
  size_t connections() const;
  // Answers all that it holds, and from now on whatever it would hold, at once; until HoldAgain().
  void Release();
  void HoldAgain();

 private:
  struct Connection {
    UniqueFd fd;
    std::string received;
    std::string answer;  // Held; empty: none.
  };

  void Run();
  bool Serve(Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Obey(Connection& connection, absl::string_view line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  UniqueFd listener_;
  std::string address_;
  UniqueFd wake_;  // An eventfd: there is something new for the thread.
  mutable Mutex mutex_;
  std::list<Connection> connections_ ABSL_GUARDED_BY(mutex_);
  bool releases_ ABSL_GUARDED_BY(mutex_) = false;
  bool ends_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_SCRIPTED_SERVER_H_
