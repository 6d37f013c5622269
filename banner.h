// Banner: what the server prints when it is ready, if a person reads it. A program that reads standard output gets
// plain lines instead; see AnnounceReady().
//
//   Polyserve 0.2.0, model epoll: one thread, which waits with epoll(7)
//   Process 17350, files of /srv
//
//     http://127.0.0.1:8080  the files under --root, by HTTP/1.1: GET, HEAD, PUT
//     file://127.0.0.1:8081  the files under --root: list, get, put
//
//   Browser: http://127.0.0.1:8080/ (files), http://127.0.0.1:8080/-/ (the server at work)
//   Files:   bin/client --server=file://127.0.0.1:8081
//   Stop:    Ctrl-C lets running requests finish; a second Ctrl-C ends the server at once
#ifndef POLYSERVE_BANNER_H_
#define POLYSERVE_BANNER_H_

#include <string>
#include <vector>

#include "services.h"

namespace polyserve {

// What the banner says. Plain text.
struct Banner {
  struct Address {
    const Service* service;  // A row of AllServices().
    bool has_datagrams;
    std::string at;  // HOST:PORT.
    bool has_tls = false;
  };

  std::string model;
  std::string model_description;
  std::string root;  // The path of the directory whose files are served.
  int pid;
  std::vector<Address> addresses;
  std::string client;  // The command that runs the client.
  bool has_console;    // Standard input is a terminal as well, so the operator of a chat can type there.
};

// The lines, each with its end, at most kHelpColumns (base/help_text.h) wide unless a path or a host is long. A pure
// function.
std::string RenderBanner(const Banner& banner);

}  // namespace polyserve

#endif  // POLYSERVE_BANNER_H_
