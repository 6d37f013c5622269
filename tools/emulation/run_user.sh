#!/bin/bash
# Runs a test for arm64 under qemu-user: what `bazel test --run_under` calls, in the folder of the test's runfiles, with the test's
# program and its arguments. Its status is the test's. The system calls are this machine's kernel's.
# The test starts programs for arm64 as well, so the kernel has to know who runs them: binfmt_misc says it, in a user namespace of
# the test's own, so that this machine stays as it is.
# tools/arm64 prepares $POLYSERVE_ARM64: the emulator, and the sysroot with the libraries that programs load.
set -euo pipefail

if [ "${1:-}" != --inside ]; then
  exec unshare --user --map-root-user --mount -- "$0" --inside "$@"
fi
shift
home=${POLYSERVE_ARM64:?}
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
# An ELF file of 64 bits, little endian, a program or a shared object, for AArch64 (binfmt_misc's own escapes). F: the emulator is
# opened now, so that a server in another root finds it.
magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
printf '%s' ":polyserve-arm64:M::$magic:$mask:$home/emulator/usr/bin/qemu-aarch64:F" >/proc/sys/fs/binfmt_misc/register
export QEMU_LD_PREFIX=$home/sysroot

# Bazel says --test_filter by this variable, which the flag would hide.
filter=${TESTBRIDGE_TEST_ONLY:-*}
patterns=$(cut -d ' ' -f 1 "$(dirname "$0")/left_out.txt" | paste -sd :)
case $filter in
  *-*) exec "$@" --gtest_filter="$filter:$patterns" ;;
  *) exec "$@" --gtest_filter="$filter-$patterns" ;;
esac
