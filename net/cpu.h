// Processors, as far as this project cares: a worker can be kept on one of them.
#ifndef POLYSERVE_NET_CPU_H_
#define POLYSERVE_NET_CPU_H_

namespace polyserve {

// From now on the calling thread runs on one processor alone: of those that it may use, in their order and counted
// round, the one with this index. Its caches stay warm; in return it waits even if another one is idle. Logs a
// warning if the system does not allow it.
void PinToCpu(int index);

}  // namespace polyserve

#endif  // POLYSERVE_NET_CPU_H_
