// How many processors a process is given: groups and mounts that are made up, beneath a folder of the test; and the
// affinity of this one.
#include "net/available_processors.h"

#include <sched.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

// A whole unified hierarchy, as on a system of today; one of version 1; and one beside the other.
constexpr char kMountsV2[] = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr char kMountsV1[] =
    "31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "34 31 0:31 / /sys/fs/cgroup/cpuset rw shared:10 - cgroup cgroup rw,cpuset\n";

class AvailableProcessorsTest : public testing::Test {
 protected:
  AvailableProcessorsTest() { EXPECT_NE(::mkdtemp(system_.data()), nullptr); }
  ~AvailableProcessorsTest() override { std::filesystem::remove_all(system_); }

  void Write(const std::string& path, absl::string_view text) {
    const std::filesystem::path full = system_ + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  void WriteProc(absl::string_view mounts, absl::string_view groups) {
    Write("/proc/self/mountinfo", mounts);
    Write("/proc/self/cgroup", groups);
  }
  void WriteV1(const std::string& group, absl::string_view quota, absl::string_view period) {
    const std::string folder = absl::StrCat("/sys/fs/cgroup/cpu,cpuacct", group);
    Write(absl::StrCat(folder, "/cpu.cfs_quota_us"), quota);
    Write(absl::StrCat(folder, "/cpu.cfs_period_us"), period);
  }
  AvailableProcessors Find(int allowed) { return FindAvailableProcessors(system_, allowed); }
  int Count(int allowed) { return Find(allowed).count; }

 private:
  std::string system_ = absl::StrCat(testing::TempDir(), "/processors-XXXXXX");  // mkdtemp() completes it.
};

TEST_F(AvailableProcessorsTest, WithoutControlGroupsTheAffinityDecides) {
  const AvailableProcessors found = Find(8);
  EXPECT_EQ(found.count, 8);
  EXPECT_EQ(found.why, "it may run on 8 processors, and no control group has a quota");
}

TEST_F(AvailableProcessorsTest, QuotaOfVersion2IsRoundedUp) {
  WriteProc(kMountsV2, "0::/system.slice/polyserve.service\n");
  Write("/sys/fs/cgroup/system.slice/polyserve.service/cpu.max", "150000 100000\n");
  const AvailableProcessors found = Find(8);
  EXPECT_EQ(found.count, 2);
  EXPECT_EQ(found.why,
            "the control group /sys/fs/cgroup/system.slice/polyserve.service gives 1.5 processors, of 8 that it may "
            "run on");
}

TEST_F(AvailableProcessorsTest, PartOfAProcessorIsOne) {
  WriteProc(kMountsV2, "0::/a\n");
  Write("/sys/fs/cgroup/a/cpu.max", "1000 100000\n");
  EXPECT_EQ(Count(8), 1);
}

TEST_F(AvailableProcessorsTest, WholeProcessorsAreNotRoundedUp) {
  WriteProc(kMountsV2, "0::/a\n");
  Write("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
  EXPECT_EQ(Count(8), 3);
}

TEST_F(AvailableProcessorsTest, QuotaOfVersion1IsRoundedUp) {
  WriteProc(kMountsV1, "4:memory:/elsewhere\n1:cpu,cpuacct:/low\n0::/\n");
  WriteV1("/low", "250000\n", "100000\n");
  EXPECT_EQ(Count(8), 3);
}

TEST_F(AvailableProcessorsTest, NoQuotaIsNoLimit) {
  WriteProc(kMountsV2, "0::/a\n");
  Write("/sys/fs/cgroup/a/cpu.max", "max 100000\n");
  EXPECT_EQ(Count(8), 8);
  WriteProc(kMountsV1, "1:cpu,cpuacct:/low\n");
  WriteV1("/low", "-1\n", "100000\n");
  EXPECT_EQ(Count(8), 8);
}

TEST_F(AvailableProcessorsTest, LeastQuotaOfTheGroupsAboveCounts) {
  WriteProc(kMountsV2, "0::/a/b/c\n");
  Write("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
  Write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  Write("/sys/fs/cgroup/a/b/c/cpu.max", "600000 100000\n");
  EXPECT_EQ(Count(8), 2);
  EXPECT_TRUE(absl::StrContains(Find(8).why, "/sys/fs/cgroup/a gives 2 processors")) << Find(8).why;
  WriteProc(kMountsV1, "1:cpu,cpuacct:/a/b\n");
  WriteV1("", "-1\n", "100000\n");
  WriteV1("/a", "50000\n", "50000\n");
  WriteV1("/a/b", "-1\n", "100000\n");
  EXPECT_EQ(Count(8), 1);
}

TEST_F(AvailableProcessorsTest, QuotaAboveTheAffinityGivesNoMore) {
  WriteProc(kMountsV2, "0::/a\n");
  Write("/sys/fs/cgroup/a/cpu.max", "350000 100000\n");
  const AvailableProcessors found = Find(2);
  EXPECT_EQ(found.count, 2);
  EXPECT_EQ(found.why, "it may run on 2 processors; the control group /sys/fs/cgroup/a gives 3.5 processors");
}

TEST_F(AvailableProcessorsTest, ContainerThatSeesThePathsOfTheHostFindsItsOwnGroup) {
  // The group of the container is mounted as the root, but the path is that of the host.
  WriteProc("50 40 0:29 /docker/c1 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n", "1:cpu:/docker/c1/inner\n");
  Write("/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", "-1");
  Write("/sys/fs/cgroup/cpu/inner/cpu.cfs_period_us", "100000");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(Count(8), 1);
}

TEST_F(AvailableProcessorsTest, PathThatIsNotMountedLeavesTheTopOfTheMount) {
  Write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  for (const char* path : {"/../other", "/docker/c2", "/docker/c12"}) {
    WriteProc("50 40 0:29 /docker/c1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n", absl::StrCat("0::", path, "\n"));
    EXPECT_EQ(Count(8), 2) << path;
  }
}

TEST_F(AvailableProcessorsTest, BothVersionsSideBySideBothCount) {
  WriteProc(absl::StrCat(kMountsV1, "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"),
            "1:cpu,cpuacct:/a\n0::/b\n");
  WriteV1("/a", "400000\n", "100000\n");
  EXPECT_EQ(Count(8), 4);
  Write("/sys/fs/cgroup/unified/b/cpu.max", "300000 100000\n");
  EXPECT_EQ(Count(8), 3);
}

TEST_F(AvailableProcessorsTest, FolderWithABlankIsFound) {
  WriteProc("35 24 0:30 / /my\\040groups rw - cgroup2 cgroup2 rw\n", "0::/a\n");
  Write("/my groups/a/cpu.max", "100000 100000\n");
  EXPECT_EQ(Count(8), 1);
}

TEST_F(AvailableProcessorsTest, NonsenseIsNoLimit) {
  WriteProc(absl::StrCat("\nrubbish\n1 2 - cgroup2\n", kMountsV2), "nonsense\n0::/a\n7\n");
  for (const char* text : {"", "\n", "5", "x 100000", "100000 0", "-5 100000", "100000 100000 100000"}) {
    Write("/sys/fs/cgroup/a/cpu.max", text);
    EXPECT_EQ(Count(8), 8) << text;
  }
}

TEST(AvailableProcessorsHereTest, NoMoreThanTheAffinity) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_LE(FindAvailableProcessors().count, CPU_COUNT(&before));
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(FindAvailableProcessors().count, 1);
  EXPECT_EQ(::sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace

}  // namespace polyserve
