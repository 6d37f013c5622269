# shellcheck shell=bash
# What the second terminal of a lesson needs, while the server of the first one runs:
#   . course/terminal.sh

# shellcheck disable=SC2034  # for the commands of the lessons
server=$(pgrep --oldest --exact server) # the server's pid
bin=$(bazel info --config=opt bazel-bin 2>/dev/null)

# The system calls that the server makes, with all its processes and threads, while a command runs:
#   trace accept4,recvfrom,sendto 'echo hello | nc -N 127.0.0.1 8082'
# In a subshell, in which the shell does not report the background job.
trace() (
  log=$(mktemp)
  timeout 3 strace -f -qq -e signal=none -e "trace=$1" -o "$log" \
    -p "$(pgrep --exact --delimiter=, "server|exe|chat hub|chat keeper")" &
  strace=$!
  sleep 1
  eval "$2"
  wait "$strace"
  cat "$log"
  rm "$log"
)

client() { "$bin/client/client" "$@"; }
load() { "$bin/client/load/load" --warm_up=500ms --duration=2s "$@"; }
