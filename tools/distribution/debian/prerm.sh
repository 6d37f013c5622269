#!/bin/sh
# Before the files go: stops the service. An upgrade restarts it once the new files are there.
set -e

if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop polyserve.service >/dev/null || true
fi
