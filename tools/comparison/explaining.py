"""Why one model beats another, in sentences, out of two lines of request_times.jsonl and the numbers of system calls. Nothing is fitted: a
difference in response time is split into those of its parts; one in processor time into what is more in number, times what one of
these costs on the machine. What remains is called unexplained.
"""

from dataclasses import dataclass

from . import wording

# What a part is in a sentence.
_PARTS = {
    "socket": "lying in the socket while its thread is busy",
    "wakeup": "waiting for a thread to wake up",
    "queue": "queued in the server",
    "run": "being worked on",
    "send": "handing the reply to the kernel",
    "off_cpu": "worked on by a thread without a processor",
    "wait": "waiting as the service wants it",
    "peer": "waiting for the client to take the reply",
}
OUTSIDE, UNEXPLAINED = "outside", "unexplained"
# A cause that is less of the difference than this is not worth a place in a sentence.
_LEAST_SHARE = 0.1
_MOST_CAUSES = 3
# Two that are nearer to each other have no difference to explain.
_LEAST_DIFFERENCE = 0.03


@dataclass(frozen=True)
class Cause:
    """A part of a difference. `us` may be below 0: it makes the slower one faster."""

    what: str
    us: float
    counts: tuple = None  # How many of it there are for a request: of the slower one, of the faster one.
    each_us: float = None


@dataclass(frozen=True)
class Split:
    """A difference between two, and its causes, which add up to it."""

    slower: str
    faster: str
    slow_us: float
    fast_us: float
    causes: tuple

    @property
    def difference_us(self):
        return self.slow_us - self.fast_us

    @property
    def is_worth_a_word(self):
        return self.difference_us > _LEAST_DIFFERENCE * self.fast_us

    def share(self, cause):
        return cause.us / self.difference_us


def _sorted(first, second, of):
    """(slower, faster), (name, line) each; None if one is not known."""
    if any(line is None or line.get("failed") or of(line) is None for _, line in (first, second)):
        return None
    return (first, second) if of(first[1]) >= of(second[1]) else (second, first)


def of_response_time(first, second):
    """The Split of the response times that clients have seen, by parts of the way; None if one is not known.

    first, second  (name, a line of request_times.jsonl)
    """
    pair = _sorted(first, second, lambda line: line["client_us"] if line["whole_us"] is not None else None)
    if pair is None:
        return None
    (slower, slow), (faster, fast) = pair
    causes = [Cause(part, slow["parts_us"][part] - fast["parts_us"][part]) for part in _PARTS]
    beyond = [line["client_us"] - line["whole_us"] for line in (slow, fast)]
    return Split(slower, faster, slow["client_us"], fast["client_us"], (*causes, Cause(OUTSIDE, beyond[0] - beyond[1])))


def _switches(line):
    parts = line["voluntary_switches"], line["involuntary_switches"]
    return None if None in parts else sum(parts)


def _processor_us(line):
    parts = line["cpu_user_us"], line["cpu_system_us"]
    return None if None in parts else sum(parts)


def of_processor_time(first, second, calls):
    """The Split of the processor time for a request; None if it is not known of one.

    calls  {name: system calls for a request}
    """
    pair = _sorted(first, second, _processor_us)
    if pair is None:
        return None
    (slower, slow), (faster, fast) = pair
    causes = []
    for what, counts, unit in (("switches", (_switches(slow), _switches(fast)), "switch_us"),
                               ("system calls", (calls.get(slower), calls.get(faster)), "call_us")):
        each_us = (slow["units"] or {}).get(unit)
        if None not in (*counts, each_us):
            causes.append(Cause(what, (counts[0] - counts[1]) * each_us, counts, each_us))
    split = Split(slower, faster, _processor_us(slow), _processor_us(fast), tuple(causes))
    rest = split.difference_us - sum(cause.us for cause in causes)
    return Split(slower, faster, split.slow_us, split.fast_us, (*causes, Cause(UNEXPLAINED, rest)))


def _percent(share):
    return f"{100 * share:.0f} %"


def _us(value):
    return f"{wording.grouped(value)} µs"


def _counted(cause, share):
    more, less = (wording.grouped(count) for count in cause.counts)
    return f"{more} {cause.what} a request against {less}, at {_us(cause.each_us)} each, make up {_percent(share)}"


def _leading(split, names):
    """The causes of these kinds that are worth a word, the greatest first."""
    those = [cause for cause in split.causes if cause.what in names and split.share(cause) >= _LEAST_SHARE]
    return sorted(those, key=lambda cause: -cause.us)[:_MOST_CAUSES]


def _rest(split, told, name):
    """What the causes that were told leave, in words: those that are too small for a word are in it."""
    left = split.difference_us - sum(cause.us for cause in told)
    if abs(left) < 0.005 * split.difference_us:
        return ""
    if left < 0:
        return f"; in all else, {split.slower} is {_us(-left)} faster"
    return f"; {_us(left)} ({_percent(left / split.difference_us)}) are {name}"


def response_sentence(split):
    """Of a Split of response times; empty if there is nothing to say."""
    if split is None or not split.is_worth_a_word:
        return ""
    told = _leading(split, _PARTS)
    begin = (f"At the same rate {split.faster} answers in {_us(split.fast_us)} and {split.slower} in {_us(split.slow_us)}; "
             f"of the {_us(split.difference_us)} between them, ")
    if not told:
        return begin + "no part of the way through the server is a tenth: they are unexplained."
    parts = [f"{_us(cause.us)} ({_percent(split.share(cause))}) are {_PARTS[cause.what]}" for cause in told]
    return begin + wording.join(parts) + _rest(split, told, "outside the server, or unexplained") + "."


def processor_sentence(split):
    """Of a Split of processor times; empty if there is nothing to say."""
    if split is None or not split.is_worth_a_word:
        return ""
    told = _leading(split, ("switches", "system calls"))
    begin = (f"A request takes {_us(split.slow_us)} of processor time under {split.slower} and {_us(split.fast_us)} under "
             f"{split.faster}: ")
    if not told:
        return begin + "neither switches nor system calls explain the difference."
    told_in_words = [_counted(cause, split.share(cause)) for cause in told]
    told_in_words[0] += " of the difference"
    return begin + wording.join(told_in_words) + _rest(split, told, "unexplained") + "."


def of_best(order, decided, lines, calls):
    """[{a, b, sentences}] of the best of a workload and each of the others that is surely worse, the nearest first.

    order    names, the best first
    decided  names: those that surely differ from the best
    lines    {name: its line of request_times.jsonl}
    """
    found = []
    for other in order[1:]:
        best = order[0]
        sentences = why((best, lines.get(best)), (other, lines.get(other)), calls) if other in decided else []
        if sentences:
            found.append({"a": best, "b": other, "sentences": sentences})
    return found


def why(first, second, calls):
    """The sentences on a pair, as a list: none if there are no figures, or no differences.

    first, second  (name, a line of request_times.jsonl, or None)
    calls          {name: system calls for a request}
    """
    sentences = (response_sentence(of_response_time(first, second)), processor_sentence(of_processor_time(first, second, calls)))
    return [sentence for sentence in sentences if sentence]
