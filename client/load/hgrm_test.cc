// hgrm: the text against one that was made by HdrHistogram's rules, line by line; and what its plotters need.
#include "client/load/hgrm.h"

#include <cstdint>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "client/load/histogram.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;

void Add(uint64_t value, int count, Histogram& times) {
  for (int i = 0; i < count; ++i) times.Add(value);
}

// Values are the largest of their bucket; the last line has no fourth column.
TEST(HgrmTest, IsWhatHdrHistogramPrints) {
  Histogram times;
  Add(1 * kMillisecond, 50, times);
  Add(2 * kMillisecond, 49, times);
  Add(10 * kMillisecond, 1, times);
  EXPECT_EQ(AsHgrm(times),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "     1.00352 0.000000000000         50           1.00\n"
            "     1.00352 0.100000000000         50           1.11\n"
            "     1.00352 0.200000000000         50           1.25\n"
            "     1.00352 0.300000000000         50           1.43\n"
            "     1.00352 0.400000000000         50           1.67\n"
            "     1.00352 0.500000000000         50           2.00\n"
            "     2.00704 0.550000000000         99           2.22\n"
            "     2.00704 0.600000000000         99           2.50\n"
            "     2.00704 0.650000000000         99           2.86\n"
            "     2.00704 0.700000000000         99           3.33\n"
            "     2.00704 0.750000000000         99           4.00\n"
            "     2.00704 0.775000000000         99           4.44\n"
            "     2.00704 0.800000000000         99           5.00\n"
            "     2.00704 0.825000000000         99           5.71\n"
            "     2.00704 0.850000000000         99           6.67\n"
            "     2.00704 0.875000000000         99           8.00\n"
            "     2.00704 0.887500000000         99           8.89\n"
            "     2.00704 0.900000000000         99          10.00\n"
            "     2.00704 0.912500000000         99          11.43\n"
            "     2.00704 0.925000000000         99          13.33\n"
            "     2.00704 0.937500000000         99          16.00\n"
            "     2.00704 0.943750000000         99          17.78\n"
            "     2.00704 0.950000000000         99          20.00\n"
            "     2.00704 0.956250000000         99          22.86\n"
            "     2.00704 0.962500000000         99          26.67\n"
            "     2.00704 0.968750000000         99          32.00\n"
            "     2.00704 0.971875000000         99          35.56\n"
            "     2.00704 0.975000000000         99          40.00\n"
            "     2.00704 0.978125000000         99          45.71\n"
            "     2.00704 0.981250000000         99          53.33\n"
            "     2.00704 0.984375000000         99          64.00\n"
            "     2.00704 0.985937500000         99          71.11\n"
            "     2.00704 0.987500000000         99          80.00\n"
            "     2.00704 0.989062500000         99          91.43\n"
            "    10.00000 0.990625000000        100         106.67\n"
            "    10.00000 1.000000000000        100\n"
            "#[Mean    =      1.58000, StdDeviation   =      0.98016]\n"
            "#[Max     =     10.00000, Total count    =          100]\n"
            "#[Buckets =           57, SubBuckets     =          256]\n");
}

struct Line {
  double value, percentile;
  uint64_t count;
};

std::vector<Line> LinesOf(const std::string& text) {
  std::istringstream input(text);
  std::vector<Line> lines;
  std::string line;
  std::getline(input, line);  // The names.
  while (std::getline(input, line)) {
    std::istringstream words(line);
    Line found;
    if (words >> found.value >> found.percentile >> found.count) lines.push_back(found);
  }
  return lines;
}

TEST(HgrmTest, EachLineAgreesWithTheHistogram) {
  std::mt19937_64 random(1);
  Histogram times;
  for (int i = 0; i < 100'000; ++i) times.Add(random() >> (30 + random() % 30));
  const std::vector<Line> lines = LinesOf(AsHgrm(times));
  ASSERT_GT(lines.size(), 50u);
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_NEAR(lines[i].value, static_cast<double>(times.Quantile(lines[i].percentile)) / 1e6, 1e-5) << i;
    EXPECT_GE(static_cast<double>(lines[i].count), lines[i].percentile * 100'000 * (1 - 1e-9)) << i;
    if (i > 0) {
      EXPECT_GT(lines[i].percentile, lines[i - 1].percentile) << i;
    }
  }
  EXPECT_EQ(lines.front().percentile, 0);
  EXPECT_EQ(lines.back().percentile, 1);
  EXPECT_EQ(lines.back().count, 100'000u);
}

// hdr-plot knows lines by the blank that they begin with.
TEST(HgrmTest, LinesOfLongTimesBeginWithABlank) {
  Histogram times;
  Add(75'000 * kMillisecond, 3, times);
  EXPECT_NE(AsHgrm(times).find("\n 75000.00000 0.000000000000          3           1.00\n"), std::string::npos)
      << AsHgrm(times);
}

TEST(HgrmTest, OneValueHasTwoLines) {
  Histogram times;
  times.Add(5 * kMillisecond);
  const std::vector<Line> lines = LinesOf(AsHgrm(times));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1].value, 5);
}

TEST(HgrmTest, WithoutValuesThereIsNoLine) {
  const std::string text = AsHgrm(Histogram());
  EXPECT_TRUE(LinesOf(text).empty()) << text;
  EXPECT_NE(text.find("Total count    =            0]"), std::string::npos) << text;
}

}  // namespace
}  // namespace polyserve
