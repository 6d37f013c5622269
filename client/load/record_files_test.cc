// RecordFiles: what is written where, and what is refused before anything was measured.
#include "client/load/record_files.h"

#include <fstream>
#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "client/load/plan.h"
#include "client/load/tally.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

std::string Read(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

LoadPlan Plan() {
  LoadPlan plan;
  plan.keeps_rows = true;
  return plan;
}

LoadTally Tally() {
  LoadTally tally;
  tally.seconds = 1;
  tally.per_interval = {1};
  tally.response_per_interval.resize(1);
  tally.response_per_interval[0].Add(5);
  tally.response.Add(5);
  return tally;
}

TEST(RecordFilesTest, EndOfTheNameDecidesTheFormat) {
  for (const auto& [name, begin] : {std::pair("rows.csv", "begin_s,"), std::pair("rows.ndjson", "{\"")}) {
    const std::string path = testing::TempDir() + "/" + name;
    absl::StatusOr<RecordFiles> files = RecordFiles::Open(path, "");
    ASSERT_TRUE(files.ok()) << files.status();
    EXPECT_TRUE(files->has_rows());
    EXPECT_EQ(files->Write(Plan(), Tally()), absl::OkStatus());
    EXPECT_TRUE(absl::StartsWith(Read(path), begin)) << Read(path);
  }
}

TEST(RecordFilesTest, PercentilesNeedNoRows) {
  const std::string path = testing::TempDir() + "/times.hgrm";
  absl::StatusOr<RecordFiles> files = RecordFiles::Open("", path);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_FALSE(files->has_rows());
  EXPECT_EQ(files->Write(LoadPlan(), Tally()), absl::OkStatus());
  EXPECT_TRUE(absl::StrContains(Read(path), "1/(1-Percentile)")) << Read(path);
}

TEST(RecordFilesTest, WithoutFilesNothingIsWritten) {
  absl::StatusOr<RecordFiles> files = RecordFiles::Open("", "");
  ASSERT_TRUE(files.ok());
  EXPECT_EQ(files->Write(LoadPlan(), Tally()), absl::OkStatus());
}

TEST(RecordFilesTest, WhatCannotBeMadeIsRefusedAtOnce) {
  EXPECT_TRUE(absl::IsInvalidArgument(RecordFiles::Open(testing::TempDir() + "/rows.txt", "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(RecordFiles::Open("/nonexistent/rows.csv", "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(RecordFiles::Open("", "/nonexistent/times.hgrm").status()));
}

// /dev/full takes a file, and nothing that is written to it.
TEST(RecordFilesTest, FullDiskIsSaid) {
  absl::StatusOr<RecordFiles> files = RecordFiles::Open("", "/dev/full");
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_TRUE(absl::IsInvalidArgument(files->Write(LoadPlan(), Tally())));
}

}  // namespace
}  // namespace polyserve
