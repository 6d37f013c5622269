// Offload: helper threads of one loop, for work that would keep all of its clients waiting (--offload=N): tasks that
// compute, and, with --offload_files, reading what is to be sent from a disk. The loop goes on with the others, and is
// woken when the work is done. The idea, of an event loop with helpers, is that of the Flash web server ("AMPED": Pai,
// Druschel, Zwaenepoel, USENIX 1999).
//
// Its queue is bounded by the number of clients: each has one job at most, since a session is shown nothing while its
// task is under way, and what its peer sends meanwhile waits in the kernel. So replies keep their order, too.
#ifndef POLYSERVE_BACKENDS_CONNECTION_OFFLOAD_H_
#define POLYSERVE_BACKENDS_CONNECTION_OFFLOAD_H_

#include <condition_variable>
#include <deque>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "net/thread_group.h"
#include "net/wake_list.h"
#include "protocol/output.h"

namespace polyserve {

class Offload {
 private:
  struct Work;

 public:
  // What a client waits for. One that is destroyed first is forgotten: it is not begun any more, or its result is
  // thrown away. For the loop's thread.
  class Job {
   public:
    Job(std::shared_ptr<Work> work, WakeList& wakes, Wakeable& client);
    ~Job();
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    bool is_done() const;
    // What the task has written, once it is done.
    Output TakeResult();

   private:
    const std::shared_ptr<Work> work_;
    WakeList::Entry entry_;
  };

  // What a client leaves to the helpers: one thing at a time, or nothing. For the loop's thread.
  class Errand {
   public:
    bool is_under_way() const { return job_ != nullptr; }
    // Has them run the output's task.
    void Work(Offload& helpers, Output& output, Wakeable& client);
    // Has them read the file that the output sends next, where a disk would have to be waited for; false where not. The
    // helpers may be null: there are none.
    bool Read(Offload* helpers, const Output& output, Wakeable& client);
    // Moves the result, if any, into the output. False where it is not done yet.
    bool Finish(Output& output);

   private:
    std::unique_ptr<Job> job_;
    bool has_read_ = false;  // What is sent next: that is not to be read again, come what may.
  };

  struct Options {
    int helpers = 0;
    bool reads_files = false;
  };
  // --offload and --offload_files, checked.
  static absl::StatusOr<Options> OptionsFromFlags();

  // Starts the helpers; the list is the loop's, and must outlive this. Null for no helpers. Unavailable: the system has
  // no threads left.
  static absl::StatusOr<std::unique_ptr<Offload>> Create(const Options& options, WakeList& wakes);
  // Forgets what was not begun, and waits for what was.
  ~Offload();

  // Has a helper run the task, after those of others that came before. The client is woken when it is done.
  std::unique_ptr<Job> Start(Output::Task task, Wakeable& client);

  // Where the file that this output sends next is not in memory (and files are to be read so): has a helper read as
  // much of it as is sent in a turn. Null where there is nothing to wait for. The job has no result.
  std::unique_ptr<Job> ReadAhead(const Output& output, Wakeable& client);

 private:
  Offload(bool reads_files, WakeList& wakes) : reads_files_(reads_files), wakes_(wakes) {}
  void Help();
  std::shared_ptr<Work> Next();

  const bool reads_files_;
  WakeList& wakes_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Work>> queue_ ABSL_GUARDED_BY(mutex_);
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
  ThreadGroup helpers_;  // Last: its destructor waits for threads that use the others.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_OFFLOAD_H_
