"""The statements on trial: twelve of the course's (course-1 to course-12), and twenty-eight of books, papers and projects
(claim-1 to claim-28), each with its experiment."""

from dataclasses import dataclass
from typing import Callable

from . import accepting, clients, computing, loops, others, process_control, stealing, tuning, waiting


@dataclass(frozen=True)
class Statement:
    name: str
    text: str
    source: str
    experiment: Callable  # Lab -> verdict.Parts and rounds.Questions.
    is_of_network: bool = True


def _course(number, text, experiment, is_of_network=True):
    return Statement(f"course-{number}", text, "the course", experiment, is_of_network)


def _claim(number, text, source, experiment, is_of_network=True):
    return Statement(f"claim-{number}", text, source, experiment, is_of_network)


ALL = (
    _course(1, "The iterative server is simple and cheap, but one client that stays keeps all the others out; it suits short "
            "tasks and UDP", clients.cheap_and_short),
    _course(2, "One process or thread per client lets every client stay as long as it likes and uses all cores, but costs more",
            clients.one_each),
    _course(3, "Creating and destroying a process costs more than a thread", process_control.process_against_thread),
    _course(4, "A pool pays when tasks are many and short", process_control.short_tasks),
    _course(5, "IO multiplexing cannot serve while it computes: requests that compute stall everyone", computing.stalls),
    _course(6, "select is limited to 1024 descriptors, poll is not; select and poll are about equally fast; epoll is the "
            "fastest, and scales best with idle descriptors", loops.multiplexers),
    _course(7, "With edge trigger an unread event is told once, with level trigger again and again", loops.edge_is_told_once,
            is_of_network=False),
    _course(8, "epoll keeps the interest set in the kernel: no copying and scanning at every call", loops.set_is_in_the_kernel),
    _course(9, "Processes are isolated: one that dies takes nobody along; threads share everything", clients.isolation),
    _course(10, "A non-blocking loop that polls is to some degree faster than blocking with one thread, and burns the "
            "processor for it", process_control.polling),
    _course(11, "More processes than cores still help a little for CPU work in Python", computing.more_processes_than_cores,
            is_of_network=False),
    _course(12, "Without zombie handling each ended child leaves an entry; each of the three ways leaves none",
            process_control.zombies),
    _claim(1, "Pools cost at least ten times less CPU for process control than a fork per client", "UNPv1 30.13",
           process_control.pools_against_fork),
    _claim(2, "A thread per client beats every prefork variant", "UNPv1 30.10", process_control.thread_against_prefork),
    _claim(3, "Workers that call accept themselves beat a main one that accepts and hands over", "UNPv1 30.13",
           accepting.handing_over),
    _claim(4, "The thundering herd at accept is costly", "UNPv1 30.6; benoitc/gunicorn #792", accepting.thundering_herd),
    _claim(5, "A shared epoll is last in, first out: one worker takes all; blocking accept takes turns",
           "Cloudflare, accept balancing", accepting.who_is_woken),
    _claim(6, "SO_REUSEPORT has the same mean and a worse tail where requests compute", "Cloudflare, accept balancing",
           accepting.reuseport_tail),
    _claim(7, "select tops out at 1024 clients", "the course; esnet/iperf #1604", clients.select_limit_is_of_numbers),
    _claim(8, "poll is about as fast as select, epoll is the best", "the course; OLS 2004", loops.idle_descriptors),
    _claim(9, "Edge trigger beats level trigger", "common belief; chenshuo/muduo #234", loops.edge_against_level),
    _claim(10, "Loops that read until nothing is left starve the others", "tokio-rs/mio #45; Netflix/dynomite #257",
           loops.starving),
    _claim(11, "Threads are about as fast as events", "HotOS 2003, Kawai 2008; against EuroSys 2007",
           loops.threads_against_events),
    _claim(12, "Tuning matters more than architecture", "SYSTOR 2012, USENIX 2004", tuning.tuning_against_architecture),
    _claim(13, "Event loops cannot serve work that computes, unless helpers do it", "the course; Flash, USENIX 1999",
           computing.stalls_and_helpers),
    _claim(14, "The iterative server suits UDP better than TCP", "the course", clients.staying_client),
    _claim(15, "For the primes below 100,000: 26.2 s with 1 process, 14.8 s with 4, 13.3 s with 10", "the course",
           computing.more_processes_than_cores, is_of_network=False),
    _claim(16, "Threads give no speed-up for CPU work, processes do", "the course", computing.threads_and_processes),
    _claim(17, "Process pools pay off for many short tasks: ten times at 10 us, nothing at 100 ms", "the course",
           process_control.short_tasks_tenfold),
    _claim(18, "SIGCHLD=SIG_IGN reaps everything without blocking", "the course", process_control.ignoring_sigchld),
    _claim(19, "Processes are heavy, threads light, loops lightest", "the course", clients.weights),
    _claim(20, "io_uring is faster than epoll", "frevib/io_uring-echo-server; against axboe/liburing #189",
           loops.ring_against_epoll),
    _claim(21, "listen(5) is fine", "the course's code; gwsystems/sledge-serverless-framework PR #395",
           accepting.short_backlog),
    _claim(22, "A pause of 0.1 s and '##' are a usable framing of files", "the course's code", others.framing_by_pauses),
    _claim(23, "Percentiles of a closed loop describe what users see", "wg/wrk #485; NSDI 2006, Open versus closed",
           others.closed_loop_percentiles),
    _claim(24, "The best call to send a file depends on its size", "JAWS, 1997", others.sending_files),
    _claim(25, "Threads are about as fast as events, however many requests wait", "HotOS 2003; against SEDA, SOSP 2001",
           waiting.threads_against_events),
    _claim(26, "Once requests wait, the size of a pool matters more than its kind", "Little's law, 1961",
           waiting.pool_size_against_model),
    _claim(27, "A call that blocks costs an event loop two orders of magnitude", "Node.js, Don't block the event loop",
           waiting.blocking_calls),
    _claim(28, "With work stealing nobody waits while a worker is idle, which loops cannot say; short requests pay for it",
           "Go, Tokio; against Seastar", stealing.against_loops),
)
