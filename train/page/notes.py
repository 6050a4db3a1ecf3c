"""What each picture of the training report shows, in sentences that contain its figures."""

import numpy as np
import numpy.typing as npt

from contract.training import CrossValidation, Group, TrainingSummary
from contract.uncertainty import Uncertainty
from evaluation.calibration import Bucket
from train.contract import CLASSES
from train.evaluate import REPEATS
from train.page.labels import PROJECTIONS, RATIOS, feature_words


def confusion_note(figures: CrossValidation) -> str:
    """Return how many answers were right, and the most frequent mistake."""
    counts = np.array(figures.confusion)
    mistakes = counts - np.diag(np.diag(counts))
    right, total = int(np.trace(counts)), int(counts.sum())
    start = (
        f"Every bird was answered {REPEATS} times, each time by a model that had never seen it. "
        f"{right:,} of {total:,} answers were right, which is the diagonal."
    )
    if not mistakes.any():
        return start
    truth, answer = np.unravel_index(mistakes.argmax(), mistakes.shape)
    return (
        f"{start} The commonest mistake was to answer {CLASSES[answer]} for a {CLASSES[truth]}: "
        f"{mistakes[truth, answer]} times in {counts[truth].sum():,}."
    )


def calibration_note(figures: CrossValidation, buckets: list[Bucket]) -> str:
    """Return how far confidence and accuracy are apart, in which direction, and where most answers are."""
    total = sum(bucket.answers for bucket in buckets)
    confidence = sum(bucket.answers * bucket.confidence for bucket in buckets) / total
    accuracy = sum(bucket.answers * bucket.accuracy for bucket in buckets) / total
    surest = buckets[-1]
    return (
        f"A model to be trusted is right as often as it is sure, and follows the dashed line. This one was "
        f"{confidence:.1%} sure on average and right {accuracy:.1%} of the time, so it errs "
        f"towards {'modesty' if accuracy > confidence else 'overconfidence'}; within groups of like confidence, the "
        f"two are {figures.expected_calibration_error:.1%} apart. {surest.answers / total:.0%} of its answers were at "
        f"least 90% sure, and {surest.accuracy:.1%} of those were right. The histogram counts the answers "
        "behind each point: where they are few, the point says little."
    )


def binning_note(errors: dict[tuple[str, int], float]) -> str:
    """Return how the calibration error depends on the bins. `errors` are by the kind of bins and their number."""
    (least_kind, least), (most_kind, most) = (choose(errors, key=lambda each: errors[each]) for choose in (min, max))
    return (
        f"The calibration error depends on the bins: from {errors[least_kind, least]:.2%} with {least} bins of "
        f"{least_kind} to {errors[most_kind, most]:.2%} with {most} bins of {most_kind}, for the very same answers. "
        "More bins show more noise, so compare it between classifiers only with the same bins."
    )


def baselines_note(summary: TrainingSummary) -> str:
    """Return which rivals have a worse log loss than chance would make it, and who is right the most often."""
    worse = [each.name for each in summary.baselines if each.log_loss_difference_interval[0] > 0]
    better = [each.name for each in summary.baselines if each.log_loss_difference_interval[1] < 0]
    rightest = max(summary.baselines, key=lambda each: each.accuracy)
    own = summary.cross_validation.accuracy
    first, second = ("this model", rightest.name) if own >= rightest.accuracy else (rightest.name, "this model")
    shares = sorted((own, rightest.accuracy), reverse=True)
    return (
        f"The log loss of {len(worse)} of {len(summary.baselines)} others is larger than this model's, with an "
        "interval of the difference that excludes 0; "
        f"{'none is' if not better else ' and '.join(better) + ' is'} smaller so "
        f"clearly. The most often right is {first}, {shares[0]:.2%}; next is {second}, {shares[1]:.2%}."
    )


def groups_note(groups: tuple[Group, ...]) -> str:
    """Return which groups are worse than chance would make them, and how that was judged."""
    tests = len(groups) * len(groups[0].p_values)
    found = [
        f"{each.column} {each.value}: {listed_words([name.replace('_', ' ') for name in each.worse])} "
        f"(p = {min(min(each.p_values[name], each.p_values_within_species[name]) for name in each.worse):.2g})"
        for each in groups
        if each.worse
    ]
    verdict = (
        f"Worse than chance would make it: {'; '.join(found)}."
        if found
        else "No group is worse than chance would make it."
    )
    return (
        f"The model does not see these columns. {verdict} Each figure is compared with that of as many birds drawn at "
        "random, of all birds and, so that a species that is harder to tell does not count against its island, of as "
        f"many birds of the same species. The p-values are corrected for {tests} tests (Holm). Of few birds, only a "
        "large difference would be seen."
    )


def listed_words(names: list[str]) -> str:
    """Return names in a sentence: `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def importance_note(gains: dict[str, float]) -> str:
    """Return the features with the largest gain. `gains` are by feature, the largest first."""
    first, second = list(gains)[:2]
    share = (gains[first] + gains[second]) / sum(gains.values())
    ratios, axes = (sum(gains[name] for name in names) / sum(gains.values()) for names in (RATIOS, PROJECTIONS))
    return (
        f"Gain is how much the splits on a feature improved the fit, over all trees. “{feature_words(first)}” and "
        f"“{feature_words(second)}” carry {share:.0%} of it, the ratios together {ratios:.0%}, the discriminants "
        f"{axes:.0%}. A discriminant is a weighted sum of all measurements: the direction in which the species differ "
        "most, given their spread (Fisher's linear discriminant analysis). "
        "Features that say the same thing share their gain, so a short bar is no "
        "proof that a feature is useless."
    )


def sets_note(uncertainty: Uncertainty) -> str:
    """Return what a prediction set is, how often it contains the true species, and how large it is."""
    evidence = uncertainty.evidence
    return (
        f"A prediction set lists the species that cannot be excluded at {uncertainty.level:g}: those whose probability "
        f"reaches a threshold of their own. Of held-out birds at least {min(evidence.coverage.values()):.1%} of every "
        f"species were in their set, which held {evidence.mean_set_size:.2f} species on average. A species is "
        f"excluded only where its probability is below {1 - uncertainty.level:.2g} and conformal calibration agrees: "
        "conformal thresholds alone would leave some birds without any species."
    )


def distance_note(uncertainty: Uncertainty) -> str:
    """Return when a bird is out of distribution, and how often a penguin is called so."""
    return (
        "Each species is a Gaussian of the measurements. A bird whose smallest Mahalanobis distance to one exceeds "
        f"{uncertainty.distance_limit:.2f} is called out of distribution: its answer says little. That happened to "
        f"{uncertainty.evidence.false_alarms:.1%} of held-out birds of the three species."
    )


def scatter_note(misjudged: npt.NDArray[np.bool_]) -> str:
    """Return how many birds were misjudged. `misjudged` is bool (rows,)."""
    return (
        f"One mark is one bird. {misjudged.sum()} of {len(misjudged)} were misjudged in at least one of {REPEATS} "
        "repeats. A ringed bird amid another species' marks cannot be told apart by these two features alone; the "
        "table below lists them all."
    )
