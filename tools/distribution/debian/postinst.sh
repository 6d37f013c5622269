#!/bin/sh
# Once the files are there: makes the user, enables the service unless the administrator has disabled it, and starts it, anew
# after an upgrade. The same steps as dh_installsysusers(1) and dh_installsystemd(1) write.
set -e

case $1 in
  configure | abort-upgrade | abort-deconfigure | abort-remove) ;;
  *) exit 0 ;;
esac

systemd-sysusers polyserve.conf
deb-systemd-helper unmask polyserve.service >/dev/null || true
if deb-systemd-helper --quiet was-enabled polyserve.service; then
  deb-systemd-helper enable polyserve.service >/dev/null || true
else
  deb-systemd-helper update-state polyserve.service >/dev/null || true
fi
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
  deb-systemd-invoke "$([ -n "$2" ] && echo restart || echo start)" polyserve.service >/dev/null || true
fi
