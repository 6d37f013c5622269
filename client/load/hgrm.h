// hgrm: a histogram as text in the format that HdrHistogram's outputPercentileDistribution() prints: a line for each of
// many percentiles, the closer together the nearer they are to 100 %. Programs that plot such files read it: the
// plotter of HdrHistogram itself, hdr-plot, and others.
//
//          Value     Percentile TotalCount 1/(1-Percentile)
//
//        0.03046 0.000000000000          1           1.00
//        0.04173 0.100000000000        121           1.11
//            ...
//        1.70394 1.000000000000       1204
//   #[Mean    =      0.06031, StdDeviation   =      0.05229]
//   #[Max     =      1.70394, Total count    =         1204]
//   #[Buckets =           57, SubBuckets     =          256]
#ifndef POLYSERVE_CLIENT_LOAD_HGRM_H_
#define POLYSERVE_CLIENT_LOAD_HGRM_H_

#include <string>

#include "client/load/histogram.h"

namespace polyserve {

// `times` in nanoseconds; the text has milliseconds, as the plotters assume, with five decimals: the most that
// HdrHistogram prints, and few enough that a blank comes before times of a minute, too, which hdr-plot needs. Mean and
// maximum are those of the values; the standard deviation is that of the buckets. A histogram without values has no
// line but the head and the foot. A pure function.
std::string AsHgrm(const Histogram& times);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_HGRM_H_
