"""What a model owes, each with the cases of the suite that hold it to that, and what to say if one of them fails.

A case belongs to the first contract that has a pattern for it; the last one takes all that are left.
"""

import dataclasses
import fnmatch

from .exercise import Check

_ONE_BY_ONE = "The row says .keeps_clients_apart = false"


@dataclasses.dataclass(frozen=True)
class Contract:
    """cases are patterns; what belongs to one is tried before what belongs to the next. why and look are said if a case fails;
    lacks, a pair (what, why), if the row excuses the model from all of the cases. If one that is basic is broken, those behind it
    are not tried: they would fail for the same reason, and take long."""
    title: str
    points: int
    cases: tuple
    why: str
    look: str
    lacks: tuple = ()
    is_basic: bool = False

    def check(self):
        return Check(self.title, None, self.points)


ALL = (
    Contract(
        "a client is served", 3,
        ("ServicesTest.EchoSendsBackWhatComes", "ServicesTest.EachMessageIsAcknowledged", "ServicesTest.ComputeSumsUpPrimes"),
        "Serve() takes each client from the acceptor and passes it to a driver, which talks to it until it leaves. Otherwise "
        "nothing is answered: because Serve() has returned, because it waits for something else, or because the client is "
        "closed already. A Connection owns its descriptor, and closes it when it is destroyed.",
        "backends/backend.h; backends/loop.cc, Serve()", is_basic=True),
    Contract(
        "when a client has left, the next one is served", 1,
        ("HostileTest.SilentClientIsFollowedByTheNextAsSoonAsItLeaves", "ServicesTest.WhoLeavesWhile*", "*.OneAfterTheOther*"),
        "However a client ends, it ends alone. The driver reports no errors: it returns, and Serve() accepts the next "
        "client.",
        "backends/backend.h, Serve(); backends/blocking/blocking_driver.h", is_basic=True),
    Contract(
        "a client that is silent, slow or greedy keeps no other waiting", 5,
        # The first one is sure to be served while the other one waits: the listener's queue cannot pass for concurrency.
        ("HostileTest.FloodOfEcho*", "HostileTest.SilentClients*", "HostileTest.*HindersNobody", "CrowdTest.MoreThanAThousand*",
         "ProgressTest.PeersThatOweNothing*", "ProgressTest.UploadsShare*", "TftpTest.ClientsThatVanishKeepNobodyWaiting",
         "TftpTest.ClientThatStartsAgain*", "TransferTest.ReaderOfAFileThatIsReplaced*"),
        "A call waits for one client in a thread that other clients need: the thread that accepts, or a loop that serves all "
        "of them. Serve() must not drive a client itself, unless its driver never waits for a single client.",
        "docs/models.md: loop, thread, poll; course/lessons/01-loop.md",
        (_ONE_BY_ONE,
         "A client that stays, even silently, keeps all others in the kernel's queue: connected, but not served. Have a "
         "thread, a process or a loop serve each client, and take that out of the row."), is_basic=True),
    Contract(
        "long work for one client stalls no other", 0,
        ("ServicesTest.LongWorkOfOne*",),
        "The row says .computes_apart = true. So other clients must not need the thread that computes for one of them, "
        "neither to be accepted nor to be served.",
        "backends/registry.h, Traits; docs/models.md: thread, epoll",
        ("The row does not say .computes_apart = true",
         "Work for one client stalls those that share its thread. That is a choice of design, as in an event loop, and costs "
         "no points.")),
    Contract(
        "a crash while serving one client ends that client alone", 0,
        ("CrowdTest.KilledChild*", "CrowdTest.ServerOutlives*", "DatagramTest.KilledChild*", "HttpCases.KilledWorkers*",
         "WebSocketRoomTest.KilledProcesses*", "HubTest.MembersOfKilled*", "HubTest.OneKilled*", "LimitTest.*Killed*"),
        "The row says .survives_crash = true. So each client has a process, which may be killed at any moment; the parent "
        "collects it, counts its client as ended (CountLostClients()), and goes on.",
        "backends/fork.cc; net/process.h; course/lessons/02-fork.md",
        ("The row does not say .survives_crash = true",
         "One process serves all clients, so they end with it. That is a choice of design, as with threads, and costs no "
         "points.")),
    Contract(
        "what one says in the chat room reaches all others", 2,
        ("RoomTest.*", "WebSocketRoomTest.*", "HubTest.*"),
        "A message has to leave through the sockets of all members. So all members have to be served at the same time, each "
        "by a driver that notices new messages. If processes serve them, the row has to say .shares_memory = false: then the "
        "room lives in a process of its own.",
        "docs/design.md, Rooms; backends/registry.h, Traits",
        (_ONE_BY_ONE, "Members of a room stay connected, so a room takes a model that serves several clients at a time.")),
    Contract(
        "the server stops: what has begun is finished, and nothing is left", 3,
        ("StopTest.*", "GraceTest.*", "ServicesTest.WorkThatHasBegun*", "TftpTest.Transfer*", "DatagramTest.DatagramsInThe*"),
        "After a stop the acceptor returns the clients that had connected before, then an error. Then Serve() waits for its "
        "clients, and returns OK. A thread that waits in recv(2) sees no stop: it has to be interrupted until it ends. A "
        "process has to be asked to stop, and must not outlive the server, even if that is killed.",
        "backends/backend.h, Serve(); docs/design.md, How a stop goes; net/thread_group.h; net/lifeline.h"),
    Contract(
        "nothing of a client stays behind, and the server survives a shortage", 2,
        ("CrowdTest.*", "OrphanTest.*", "TransferTest.*BreaksOff*"),
        "A client's descriptor, thread and process end with it, and no zombie is left. If the system has no descriptor, "
        "thread or process for a client, the model refuses that client (Acceptor::Refuse()), and the server goes on.",
        "backends/accept/acceptor.h, Refuse(); net/shortage.h; course/exercises/zombies; course/exercises/descriptor_leak"),
    Contract(
        "there are never more clients than --max_connections allows", 1,
        ("LimitTest.*",),
        "The acceptor counts each client that comes, and the driver counts each that ends. If a client gets no driver, the "
        "model has to refuse it (Acceptor::Refuse()); otherwise it counts for ever.",
        "backends/accept/connection_limit.h; backends/accept/acceptor.h",
        (_ONE_BY_ONE, "If there is one client at a time, nothing is left to limit.")),
    Contract(
        "while nothing happens the server sleeps, and a request takes few system calls", 1,
        ("QuietTest.*", "CostTest.*", "RingTest.*"),
        "A server that asks again and again whether something has come keeps a processor busy. Let the kernel wake it: wait "
        "in a call that blocks, such as accept(2), recv(2) or poll(2). During a shortage the listener stays readable, so wait "
        "a moment before you accept again.",
        "docs/models.md: nonblock, poll; net/shortage.h; backends/accept/listener_wait.h",
        ("The row says .spins = true or .sleeps = false",
         "A server that never sleeps takes a processor from all other programs, even if it has no clients.")),
    Contract(
        "a client that takes too long is disconnected", 1,
        ("ProgressTest.*", "HostileTest.IdleTimeout*", "HttpCases.HeadThat*", "HttpCases.WhoDrips*", "HttpCases.ContentThat*"),
        "Drivers enforce --idle_timeout, --min_rate and --request_timeout. The blocking driver needs a socket that blocks; "
        "an event loop checks its clients once a tick, and so must a driver of your own.",
        "backends/blocking/blocking_driver.h; net/progress_watch.h; docs/adding.md"),
    Contract(
        "/-/status shows who serves which client", 1,
        ("HttpCases.Status*", "CountersTest.*"),
        "Each thread or process that serves makes a WorkerSlot, and keeps it for as long as it serves. If it is not the one "
        "that accepts, the row has to say .serves_elsewhere = true, and each counts in a context of its own.",
        "net/statistics.h, WorkerSlot; backends/accept/server_context.h, ContextOfThread()"),
    Contract(
        "datagrams are answered as well", 2,
        ("Datagram*", "TftpTest.*"),
        "With AcceptUdp::kAll the acceptor returns each peer that sends datagrams as a client of its own. With kOwnPorts it "
        "returns only those of TFTP; the thread that made the UdpSockets has to serve the others, and keep doing so until "
        "the server stops.",
        "backends/udp/udp_sockets.h; backends/accept/udp_peers.h"),
    Contract(
        "every service does what docs/protocols.md says", 2,
        ("*",),
        "A model does not decide what is said to a client. If a service goes wrong under this model alone, look at how "
        "clients are driven: one connection in two threads, a driver that loses bytes or changes their order, a client that "
        "is closed too early.",
        "docs/design.md, Sessions and drivers"),
)


def _owner(name):
    """(the contract that the case belongs to, by which of its patterns)."""
    return next((contract, place) for contract in ALL for place, pattern in enumerate(contract.cases)
                if fnmatch.fnmatchcase(name, pattern))


def deal(names):
    """Contract -> lists of those of the cases' names that belong to it, to be tried one list after the other; of the contracts
    that have any."""
    dealt = {contract: [[] for _ in contract.cases] for contract in ALL}
    for name in names:
        contract, place = _owner(name)
        dealt[contract][place].append(name)
    return {contract: list(filter(None, lists)) for contract, lists in dealt.items() if any(lists)}
