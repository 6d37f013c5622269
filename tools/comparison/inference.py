"""Inference: what rounds say about the ratio of two subjects, and which statements of a whole table may be made of it.

All is about logarithms: a ratio of 1.03 is 0.0296. A round is a block: the values that two subjects have in it are
compared with each other, so that a disturbance of the machine in that round affects both. Three verdicts are possible:
*different*, *equal* within a margin, and *open*, which is what is left while the data say neither.

Sources: K. Yuen, "The two-sample trimmed t for unequal population variances", Biometrika 61, 1974 (trimmed means and
their errors); G. Smyth, "Linear models and empirical Bayes methods", 2004 (moderated variances); D. Schuirmann, 1987
(two one-sided tests); J. Shaffer, "Modified sequentially rejective multiple test procedures", 1986; J. Hsu, "Multiple
Comparisons", 1996 (comparison with the best).
"""

import functools
import math
from dataclasses import dataclass

import numpy
from scipy import special, stats

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
# Two that differ by less are equal for all practical purposes.
MARGIN = 0.03
DIFFERENT, EQUAL, OPEN = "different", "equal", "open"
# With fewer rounds than this there is no verdict: their error is not known.
LEAST_ROUNDS = 3
# So much is cut off at either end: a machine that stalls for a twentieth of the time leaves that many outliers.
_TRIM = 0.1
_MOST_ROUNDS = 1_000_000
_LOOKS = 4
# A run of fewer rounds is looked at once, at the end.
_LEAST_TO_LOOK_AGAIN = 12
_NO_ERROR = 1e-12
LARGEST_LOG = 700.0  # exp() of 710 is infinite.
# Of a value that is known by its bucket: the load generator's are 1/128 wide.
_BUCKET_ERROR = 1 / 128 / math.sqrt(12)


@dataclass(frozen=True)
class Effect:
    """The logarithm of a ratio (or of a value), its standard error, that error's degrees of freedom, and the rounds."""

    log: float
    error: float
    degrees: float
    rounds: int

    def bounds(self, alpha=ALPHA):
        """Of the logarithm; they hold the true one but in a share alpha of all cases."""
        reach = -float(special.stdtrit(self.degrees, alpha / 2)) * self.error
        return self.log - reach, self.log + reach

    def ratio(self, alpha=ALPHA):
        """(middle, low, high), no logarithms."""
        low, high = self.bounds(alpha)
        return math.exp(self.log), math.exp(low), math.exp(min(high, LARGEST_LOG))

    def reversed(self):
        return Effect(-self.log, self.error, self.degrees, self.rounds)

    @property
    def tells(self):
        """Whether anything may be said of it."""
        return self.rounds >= LEAST_ROUNDS and self.error < math.inf


def p_not_below(effects, limit):
    """For each Effect, how likely data as low as these are if the true logarithm is the limit, or more. By scipy.special, which
    is what scipy.stats.t calls, as it is called for thousands of pairs."""
    log, error, degrees = (numpy.array([getattr(effect, part) for effect in effects], dtype=float)
                           for part in ("log", "error", "degrees"))
    return special.stdtr(degrees, (log - limit) / numpy.maximum(error, _NO_ERROR))


def p_same(effects):
    """For each, how likely data as far from 0 as these are if the true logarithm is 0."""
    below = p_not_below(effects, 0)
    return 2 * numpy.minimum(below, 1 - below)


def p_beyond(effects, margin):
    """For each, how likely data as close to 0 as these are if the true logarithm is as far from 0 as the margin, or
    farther: the worse of two one-sided tests."""
    return numpy.maximum(p_not_below(effects, margin), p_not_below([effect.reversed() for effect in effects], margin))


def trimmed(values):
    """(mean, standard error, degrees of freedom) along the last axis, without the outer tenth at either end. Of fewer than
    ten values none is cut off: this is Student's t then. The error of a single value is infinite."""
    data = numpy.sort(numpy.asarray(values, dtype=float), axis=-1)
    number = data.shape[-1]
    cut = int(_TRIM * number)
    kept = data[..., cut:number - cut]
    if number < 2:
        return kept.mean(axis=-1), numpy.full(data.shape[:-1], math.inf), 1
    winsorized = numpy.clip(data, data[..., cut:cut + 1], data[..., number - cut - 1:number - cut])
    error = winsorized.std(axis=-1, ddof=1) * math.sqrt(number) / kept.shape[-1]
    return kept.mean(axis=-1), error, number - 2 * cut - 1


def middle(values):
    """The Effect of some positive values: the logarithm of their middle. None if there are none."""
    logs = numpy.log([value for value in values if value > 0])
    if not len(logs):
        return None
    mean, error, degrees = trimmed(logs)
    return Effect(float(mean), float(error), degrees, len(logs))


def paired(a, b):
    """The Effect of a over b, of {round: value} each. Rounds that only one of them has are left out. None if they have
    none in common, or a value is not above 0."""
    return _paired({"a": a, "b": b}, tuple(sorted(a.keys() & b.keys())), [("a", "b")])[0]


def effects_of_pairs(values, pairs, subjects):
    """{(a, b): Effect of a over b, or None}, moderated.

    values    {name: {round: value}}
    subjects  how many of them there are
    """
    groups = {}  # Those that have the same rounds are reckoned together.
    for a, b in pairs:
        groups.setdefault(tuple(sorted(values[a].keys() & values[b].keys())), []).append((a, b))
    found = {}
    for common, those in groups.items():
        found.update(zip(those, _paired(values, common, those)))
    return dict(zip(pairs, moderated([found[pair] for pair in pairs], subjects)))


def _paired(values, common, pairs):
    """The Effect of each of the pairs, or None; see paired()."""
    names = {name for pair in pairs for name in pair}
    with numpy.errstate(divide="ignore", invalid="ignore"):
        logs = {name: numpy.log([values[name][number] for number in common]) for name in names}
    if not common:
        return [None] * len(pairs)
    is_known = {name: bool(numpy.isfinite(own).all()) for name, own in logs.items()}
    finite = {name: own if is_known[name] else numpy.zeros(len(common)) for name, own in logs.items()}
    means, errors, degrees = trimmed([finite[a] - finite[b] for a, b in pairs])
    return [Effect(float(mean), float(error), degrees, len(common)) if is_known[a] and is_known[b] else None
            for (a, b), mean, error in zip(pairs, means, errors)]


def moderated(effects, subjects):
    """The Effects of all pairs of some subjects, each with an error that is drawn towards that of all: three rounds do
    not show how noisy one pair is, but 78 pairs show how noisy pairs are. The more alike the errors are, the farther.

    subjects  how many they are: their pairs have fewer independent errors than there are pairs.
    """
    known = [index for index, effect in enumerate(effects) if effect is not None and 0 < effect.error < math.inf]
    if len(known) < 3:
        return list(effects)
    errors = numpy.array([effects[index].error for index in known])
    degrees = numpy.array([effects[index].degrees for index in known], dtype=float)
    rounds = numpy.array([effects[index].rounds for index in known], dtype=float)
    error, total = moderated_errors(errors * numpy.sqrt(rounds), degrees, subjects)
    found = list(effects)
    for place, index in enumerate(known):
        effect = effects[index]
        found[index] = Effect(effect.log, float(error[place]) / math.sqrt(effect.rounds), float(total[place]), effect.rounds)
    return found


def moderated_errors(errors, degrees, subjects):
    """(errors, degrees of freedom) of the pairs of a table, along the last axis; see moderated()."""
    variances = errors**2
    logs = numpy.log(variances) - special.digamma(degrees / 2) + numpy.log(degrees / 2)
    excess = logs.var(axis=-1, ddof=1) - special.polygamma(1, degrees / 2).mean(axis=-1)
    prior = _prior_degrees(excess)[..., None]
    common = numpy.exp(logs.mean(axis=-1, keepdims=True) + special.digamma(prior / 2) - numpy.log(prior / 2))
    mixed = (prior * common + degrees * variances) / (prior + degrees)
    total = numpy.minimum(prior + degrees, degrees * (subjects - 1))
    return numpy.sqrt(mixed), numpy.maximum(total, degrees)


@functools.lru_cache(None)
def _trigammas():
    """(trigamma of half of them, degrees of freedom), the most first: what errors are alike gives many."""
    halves = numpy.geomspace(1e4, 0.05, 2000)
    return special.polygamma(1, halves), 2 * halves


def _prior_degrees(excess):
    """How many degrees of freedom the common error is worth, by how much more the errors differ than chance explains."""
    return numpy.interp(excess, *_trigammas())


@dataclass(frozen=True)
class Verdict:
    """What is said of a pair. `rounds` is how many it would take, about, to decide one that is open."""

    kind: str
    effect: Effect  # None if the two were not measured together.
    why: str
    rounds: int = None

    @property
    def differs(self):
        return self.kind == DIFFERENT


def verdicts(effects, margin=MARGIN, alpha=ALPHA):
    """{pair: Verdict} of a family of pairs, {(a, b): Effect or None}: of all that is said of it something is false in at
    most a share alpha of all runs.

    Differences are found step by step, the surest first (Holm; after each step only so many pairs can be equal yet, which
    Shaffer has counted). Equality is two one-sided tests, each at a share of alpha for each pair.
    """
    judged = {pair: effect for pair, effect in effects.items() if effect is not None and effect.tells}
    found = {pair: Verdict(OPEN, effect, _why_not(effect)) for pair, effect in effects.items() if pair not in judged}
    different = _differences(judged, alpha)
    edge = math.log1p(margin)
    each = alpha / max(1, len(judged))
    for (pair, effect), beyond in zip(judged.items(), p_beyond(list(judged.values()), edge)):
        if beyond <= each:
            found[pair] = Verdict(EQUAL, effect, f"within {100 * margin:g} % of each other")
        elif pair in different:
            found[pair] = Verdict(DIFFERENT, effect, "farther apart than chance explains, in a table of this many pairs")
        else:
            found[pair] = Verdict(OPEN, effect, "the data say neither that they differ nor that they are equal",
                                  _rounds_needed(effect, edge, each))
    return {pair: found[pair] for pair in effects}


def _why_not(effect):
    if effect is None:
        return "they have no good round in common"
    return f"only {effect.rounds} rounds; a verdict needs at least {LEAST_ROUNDS}"


def _differences(effects, alpha):
    """The pairs that are not equal; see verdicts()."""
    names = {name for pair in effects for name in pair}
    possible = sorted(_possible_equalities(len(names))) if len(effects) == math.comb(len(names), 2) else None
    different = set()
    chances = p_same(list(effects.values()))
    for step, (chance, pair) in enumerate(sorted(zip(chances, effects))):
        left = len(effects) - step
        equal = max(number for number in possible if number <= left) if possible else left
        if chance > alpha / max(1, equal):
            break
        different.add(pair)
    return different


@functools.lru_cache(None)
def _possible_equalities(names):
    """How many pairs of so many names can be equal: those within groups, for all ways to make groups."""
    if names < 2:
        return frozenset({0})
    return frozenset(math.comb(group, 2) + rest for group in range(1, names + 1)
                     for rest in _possible_equalities(names - group))


def _rounds_needed(effect, edge, each):
    """Rounds after which a pair like this will be decided more often than not, one way or the other."""
    far = abs(effect.log)
    ways = ((far, -special.stdtrit(effect.degrees, each / 2)), (edge - far, -special.stdtrit(effect.degrees, each)))
    needed = [effect.rounds * (steps * effect.error / distance)**2 for distance, steps in ways if distance > 0]
    return int(min(max(effect.rounds + 1, math.ceil(min(needed))), _MOST_ROUNDS)) if needed else None


def near_best(names, effects, margin=MARGIN, alpha=ALPHA):
    """The names that surely no other beats by more than the margin, by a comparison with the best.

    effects  {(a, b): Effect of a over b}, more being better, in whichever order the pair is
    One name is truly the best, and only with that one a false answer can be given: so one-sided tests of all the others
    share alpha between them, not all pairs.
    """
    names = list(names)
    each = alpha / max(1, len(names) - 1)
    edge = math.log1p(margin)

    def is_near(name):
        against = [effect_of(effects, other, name) for other in names if other != name]
        return (all(effect is not None and effect.tells for effect in against)
                and bool(numpy.all(p_not_below(against, edge) <= each)))
    return [name for name in names if is_near(name)]


def effect_of(effects, a, b):
    """Of a over b; None if there is none."""
    if (a, b) in effects:
        return effects[a, b]
    found = effects.get((b, a))
    return found.reversed() if found else None


@dataclass(frozen=True)
class Look:
    """What may be decided after a number of rounds, and with which share of false statements."""

    rounds: int
    alpha: float


def looks(planned, measured=None, alpha=ALPHA):
    """The Looks at a run, by its planned rounds: at its quarters, if those are long enough. Each spends a part of alpha
    (O'Brien and Fleming's spending by Lan and DeMets, 1983: little at first), so that all together are as often wrong as one
    look would be. A run that was broken off, or is not complete yet, spends what is left at what it has.
    """
    measured = planned if measured is None else measured
    number = _LOOKS if planned >= _LEAST_TO_LOOK_AGAIN else 1
    ends = [math.ceil(planned * look / number) for look in range(1, number + 1)]
    found, before = [], 0.0
    for end in (end for end in ends if end <= measured):
        spent = 2 * float(stats.norm.sf(stats.norm.isf(alpha / 2) * math.sqrt(planned / end)))
        found.append(Look(end, spent - before))
        before = spent
    if alpha - before > 1e-9 and measured:
        found.append(Look(measured, alpha - before))
    return found


def verdicts_of_looks(those, effects_until, margin=MARGIN):
    """({pair: Verdict}, names that are near the best): what was decided at one look stays so.

    those          the Looks, in order
    effects_until  rounds -> {pair: Effect}, of the first so many rounds, more being better
    """
    found, near = {}, {}
    for look in those:
        effects = effects_until(look.rounds)
        for pair, verdict in verdicts(effects, margin, look.alpha).items():
            kept = found.get(pair, verdict)
            found[pair] = verdict if kept.kind == OPEN else Verdict(kept.kind, verdict.effect, kept.why)
        near.update(dict.fromkeys(near_best(dict.fromkeys(name for pair in effects for name in pair), effects, margin,
                                            look.alpha)))
    return found, list(near)


def is_decided(name, said):
    """Whether nothing is open about it: it need not be measured any more."""
    own = [verdict.kind for pair, verdict in said.items() if name in pair]
    return bool(own) and OPEN not in own


def rounds_to_be_near_best(name, names, effects, margin=MARGIN, alpha=ALPHA):
    """After how many rounds, about, near_best() will hold this one, if what was found of it is true; None if never."""
    others = [other for other in names if other != name]
    against = [effect_of(effects, other, name) for other in others]
    edge = math.log1p(margin)
    if any(effect is None or effect.log >= edge or not effect.tells for effect in against):
        return None
    each = alpha / max(1, len(others))
    needed = [effect.rounds * (special.stdtrit(effect.degrees, each) * effect.error / (edge - effect.log))**2
              for effect in against]
    return int(min(max(LEAST_ROUNDS, math.ceil(max(needed, default=0))), _MOST_ROUNDS))


def comparable(names, effects):
    """Those of the names of which each was measured with each: without what has failed, so that it does not hide the others."""
    left = list(names)
    while left:
        missing = {name: sum(effect_of(effects, name, other) is None for other in left if other != name) for name in left}
        worst = max(reversed(left), key=missing.get)
        if not missing[worst]:
            break
        left.remove(worst)
    return left


def levels(names, effects):
    """{name: logarithm of how much better it is than the mean of all}, of those that were measured with all the others."""
    found = {}
    for name in names:
        own = [effect_of(effects, name, other) for other in names if other != name]
        if None not in own:
            found[name] = sum(effect.log for effect in own) / max(1, len(names))
    return found


@dataclass(frozen=True)
class Share:
    """What something reaches of the best, which is 1. The bounds are simultaneous: all shares of a table lie within theirs."""

    middle: float
    low: float
    high: float


def shares(names, effects, told_apart, alpha=ALPHA):
    """{name: Share} of the best.

    The highest of many figures is too high, as chance has a part in who is the highest. So those that are not told apart
    from it are drawn towards their mean, as far as chance explains how they differ (empirical Bayes); the bounds are
    Hsu's, of a comparison with the best.

    told_apart  (a, b) -> whether the two surely differ
    """
    level = levels(names, effects)
    if not level:
        return {}
    leader = max(level, key=level.get)
    group = [name for name in level if name == leader or not told_apart(leader, name)]
    mean = sum(level[name] for name in group) / len(group)
    kept = _kept(group, level, effects)
    top = mean + kept * (level[leader] - mean)
    found = {}
    for name, own in level.items():
        middle = mean + kept * (own - mean) if name in group else own
        low, high = _bounds_of_share(name, level, effects, alpha)
        middle = min(1.0, math.exp(middle - top))
        found[name] = Share(middle, min(low, middle), max(high, middle))
    return found


def _kept(group, level, effects):
    """What of the differences within a group is surely not chance: 0 to 1."""
    if len(group) < 2:
        return 1.0
    freedom = len(group) - 1
    noise = numpy.mean([effect_of(effects, a, b).error**2 / 2 for a in group for b in group if a != b])
    spread = numpy.var([level[name] for name in group], ddof=1)
    most = noise * stats.chi2.ppf(CONFIDENCE, freedom) / freedom
    return float(max(0.0, 1 - most / spread)) if spread > 0 else 0.0


def _bounds_of_share(name, level, effects, alpha):
    """Of what it reaches of the best of the others, or, where that is more than 1, of 1."""
    against = [effect_of(effects, name, other) for other in level if other != name]
    each = alpha / max(1, len(against))
    bounds = [effect.bounds(each) for effect in against if effect.tells]
    if len(bounds) < len(against):
        return 0.0, 1.0
    return tuple(math.exp(min([0.0, *side])) for side in zip(*bounds)) if bounds else (1.0, 1.0)


# Quantiles of response times: those of all rounds' times together.


def merged(histograms):
    """(values, rising; counts, a row for each round) of histograms [value, count, value, count ...]."""
    rows = [(numpy.asarray(histogram[::2]), numpy.asarray(histogram[1::2])) for histogram in histograms]
    values = numpy.unique(numpy.concatenate([own for own, _ in rows]))
    counts = numpy.zeros((len(rows), len(values)))
    for row, (own, how_many) in enumerate(rows):
        numpy.add.at(counts[row], numpy.searchsorted(values, own), how_many)  # A value may stand in it twice.
    return values, counts


def resampled(rounds, resamples=400, seed=1):
    """How often each of the rounds is drawn, a row for each resample; the first row is that of the rounds as they are."""
    number = len(rounds)
    drawn = numpy.random.default_rng(seed).multinomial(number, [1 / number] * number, resamples)
    return numpy.vstack([numpy.ones((1, number), dtype=int), drawn])


def quantiles(histograms, share, weights):
    """The quantile of all times together, for each row of weights; nan if it has none of them."""
    values, counts = merged(histograms)
    totals = numpy.cumsum(weights @ counts, axis=1)
    wanted = numpy.ceil(share * totals[:, -1:])
    found = values[numpy.minimum((totals < wanted).sum(axis=1), len(values) - 1)].astype(float)
    return numpy.where(totals[:, -1] > 0, found, math.nan)


def of_resamples(samples, rounds):
    """The Effect of samples, of which the first is the figure itself and the others are of resampled rounds. Few rounds
    vary less among themselves than all would: the error makes up for it."""
    own, again = samples[0], samples[1:]
    again = numpy.log(again[numpy.isfinite(again) & (again > 0)])
    if not own > 0 or rounds < 2 or len(again) < 2:
        return Effect(math.log(own), math.inf, 1, rounds) if own > 0 else None
    error = max(float(again.std()) * math.sqrt(rounds / (rounds - 1)), _BUCKET_ERROR)
    return Effect(math.log(own), error, rounds - 1, rounds)
