#!/bin/sh
# Once the files are gone. A purge removes the logs and what is known of the service; files that clients have stored stay, and so
# does the user, who may own files elsewhere.
set -e

if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
fi
if [ "$1" = purge ]; then
  if [ -x /usr/bin/deb-systemd-helper ]; then
    deb-systemd-helper purge polyserve.service >/dev/null || true
    deb-systemd-helper unmask polyserve.service >/dev/null || true
  fi
  rm -rf /var/log/polyserve
  rmdir --ignore-fail-on-non-empty /var/lib/polyserve/files /var/lib/polyserve 2>/dev/null || true
fi
