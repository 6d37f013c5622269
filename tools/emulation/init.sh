#!/bin/busybox sh
# shellcheck shell=dash
# The first process of the virtual machine in which run_test.sh runs a test: prepares what a test expects of a system, runs
# /test/command, writes its status to the console, and switches the machine off.
/bin/busybox mkdir -p /bin /dev /proc /sys /tmp /run /usr/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /tmp
ln -sf /proc/self/fd /dev/fd
# The server asks for clients that are just connecting (sock_diag(7)).
for module in inet_diag tcp_diag udp_diag; do
  path=$(find /lib/modules -name "$module.ko" 2>/dev/null)
  [ -z "$path" ] || insmod "$path"
done
ip link set lo up
mkdir -p /etc
printf '127.0.0.1 localhost\n::1 localhost\n' >/etc/hosts
echo 'root:x:0:0:root:/tmp:/bin/sh' >/etc/passwd
echo 'root:x:0:' >/etc/group
hostname arm64
ulimit -n 20000
export PATH=/bin:/usr/bin HOME=/tmp
status=125
[ ! -e /test/command ] || {
  sh /test/command
  status=$?
}
echo "test ended with status $status"
poweroff -f
