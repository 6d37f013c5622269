#!/bin/sh
# The files of protocol/ know no socket. Visibility keeps them from our own net/, but not from the system's headers: hence
# this look at what they include. Takes the files as arguments.
forbidden='#include *[<"](sys/(socket|epoll|select|poll|un|eventfd)\.h|netinet/|arpa/|netdb\.h|poll\.h|event2/|liburing|net/)'
[ $# -gt 10 ] || { echo "only $# files to look at" >&2; exit 1; }
if grep -nE "$forbidden" "$@"; then
  echo "protocol/ is free of I/O: leave that to the drivers (backends/)" >&2
  exit 1
fi
