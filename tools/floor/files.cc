// floor, files: one thread for all clients, which waits with epoll(7), and the files of a directory by HTTP: GET by
// sendfile(2), PUT by recv(2) and write(2).
//
//   files HOST PORT DIRECTORY
//
// Leaves out, beside what service.h says: names with ".." in them, other methods, "Expect", conditions and ranges,
// fields that are not spelled as usual, and the temporary file that keeps a PUT that is cut short from destroying the
// file that was there.
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "tools/floor/epoll_loop.h"
#include "tools/floor/service.h"

namespace polyserve::bare {

namespace {

constexpr size_t kBytesPerSend = 1024 * 1024;  // Of one client, before the next one has its turn.
char buffer[64 * 1024];                        // As kReadBytes of net/socket.h. Nothing stays in it.

// A connection; between two requests it has no file. Functions return false if it is to be dropped.
class Transfer {
 public:
  explicit Transfer(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  bool has_unsent() const { return file_.ok() && is_get_; }

  bool OnEvent(int directory) {
    if (has_unsent()) return Send();
    const ssize_t count = ::recv(fd_.get(), buffer, sizeof(buffer), 0);
    if (count <= 0) return count < 0 && errno == EAGAIN;
    const std::string_view bytes(buffer, static_cast<size_t>(count));
    if (file_.ok()) return Write(bytes);
    const size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return false;
    const std::string head(bytes.substr(0, end));
    is_get_ = head.starts_with("GET /");
    if (!is_get_ && !head.starts_with("PUT /")) return false;
    const size_t name_at = std::strlen("GET /");
    const std::string name = head.substr(name_at, head.find(' ', name_at) - name_at);
    if (name.find("..") != std::string::npos) return false;
    return is_get_ ? Get(directory, name) : Put(directory, name, head, bytes.substr(end + std::strlen("\r\n\r\n")));
  }

 private:
  bool Get(int directory, const std::string& name) {
    file_.reset(::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat facts = {};
    if (!file_.ok() || ::fstat(file_.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
      file_.reset();
      return Say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 0);
    }
    left_ = static_cast<size_t>(facts.st_size);
    const int flags = left_ > 0 ? MSG_MORE : 0;  // The head shares a packet with what follows.
    return Say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(left_) + "\r\n\r\n", flags) && Send();
  }

  bool Put(int directory, const std::string& name, const std::string& head, std::string_view body) {
    const std::string field = "\r\nContent-Length: ";
    const size_t at = head.find(field);
    if (at == std::string::npos) return false;
    left_ = std::strtoull(&head[at + field.size()], nullptr, 10);
    file_.reset(::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    return file_.ok() && Write(body);
  }

  // A socket between two replies has room for a head, so that one that does not take it has failed.
  bool Say(const std::string& text, int flags) const {
    return ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL | flags) == static_cast<ssize_t>(text.size());
  }

  bool Send() {
    const ssize_t count = ::sendfile(fd_.get(), file_.get(), nullptr, std::min(left_, kBytesPerSend));
    if (count < 0) return errno == EAGAIN;
    if (count == 0 && left_ > 0) return false;  // The file has become shorter than the head has said.
    left_ -= static_cast<size_t>(count);
    if (left_ == 0) file_.reset();
    return true;
  }

  bool Write(std::string_view body) {
    if (body.size() > left_) return false;
    if (::write(file_.get(), body.data(), body.size()) != static_cast<ssize_t>(body.size())) return false;
    left_ -= body.size();
    if (left_ > 0) return true;
    file_.reset();
    return Say("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 0);
  }

  const UniqueFd fd_;
  UniqueFd file_;  // That is being sent, or written.
  bool is_get_ = false;
  size_t left_ = 0;  // Bytes of the file that are still to come.
};

}  // namespace

}  // namespace polyserve::bare

int main(int count, char** words) {
  if (count != 4) polyserve::bare::Quit("usage: files HOST PORT DIRECTORY");
  const polyserve::UniqueFd directory(
      polyserve::bare::Check(::open(words[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open"));
  polyserve::bare::EpollLoop<polyserve::bare::Transfer> loop(
      polyserve::bare::Listen(words[1], words[2], SOCK_NONBLOCK));
  while (true) loop.Turn([&directory](polyserve::bare::Transfer& client) { return client.OnEvent(directory.get()); });
}
