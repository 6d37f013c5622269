#!/bin/bash
# Runs a test for arm64 in a virtual machine of its own, with Debian's kernel: what `bazel test --run_under` calls, in the folder of
# the test's runfiles, with the test's program and its arguments. Its status is the test's.
# tools/arm64 prepares $POLYSERVE_ARM64: the kernel, and base.cpio, the file system without the test.
set -euo pipefail

home=${POLYSERVE_ARM64:?}
scratch=$(mktemp -d "${TEST_TMPDIR:-/tmp}/arm64.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# Everything is in memory: the kernel unpacks archives that follow each other over one another (initramfs). Runfiles are links.
mkdir -p "$scratch/tree/test"
cp -rL "${TEST_SRCDIR:?}/polyserve" "$scratch/tree/test/polyserve"
install -m 755 "$(dirname "$0")/init.sh" "$scratch/tree/init"
{
  echo "cd /test/polyserve"
  echo "export TEST_SRCDIR=/test RUNFILES_DIR=/test TEST_TMPDIR=/tmp TEST_WORKSPACE=polyserve"
  printf 'exec'
  printf ' %q' "${@/#"$TEST_SRCDIR"//test}"
  echo
} >"$scratch/tree/test/command"
(cd "$scratch/tree" && find . | cpio --quiet --create --format=newc) >"$scratch/test.cpio"
cat "$home/base.cpio" "$scratch/test.cpio" >"$scratch/initrd"

qemu-system-aarch64 -machine virt -cpu cortex-a72 -smp 2 -m 3072 -nic none -nographic -no-reboot -kernel "$home/kernel" \
  -initrd "$scratch/initrd" -append "console=ttyAMA0 quiet panic=-1" </dev/null | tee "$scratch/console"

# The console ends its lines with \r\n.
status=$(tr -d '\r' <"$scratch/console" | sed -n 's/^test ended with status //p' | tail -n 1)
exit "${status:-125}"
