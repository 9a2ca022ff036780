"""Reference values for src/learn/metric, computed by scikit-learn and scipy.

Run from the root of the repository: python data/oracle/make_metrics.py

Intervals: Wilson's by scipy's `binomtest`, normal ones by scipy's `norm.interval` and `sem`, DeLong's from
placement values compared pair by pair; of classes that are separated perfectly, from the score test that
Wilson's is made of, solved by `brentq`.
"""

import json
import platform

import numpy
import scipy
import sklearn
from scipy import optimize, stats
from sklearn import metrics

random = numpy.random.default_rng(20260105)


def placements(positive, negative):
    above = (positive[:, None] > negative[None, :]) + 0.5 * (positive[:, None] == negative[None, :])
    return above.mean(axis=1), 1 - above.mean(axis=0)


def delong(truth, score):
    positive, negative = score[truth == 1], score[truth == 0]
    area = metrics.roc_auc_score(truth, score)
    if min(len(positive), len(negative)) < 2:
        return [area]
    of_positive, of_negative = placements(positive, negative)
    variance = of_positive.var(ddof=1) / len(positive)
    variance += (1 - of_negative).var(ddof=1) / len(negative)
    if variance == 0 and len(numpy.unique(score)) > 1:
        return alike(area, min(len(positive), len(negative)))
    low, high = stats.norm.interval(0.95, area, variance**0.5) if variance > 0 else (area, area)
    return [area, max(low, 0.0), min(high, 1.0)]


def alike(value, rows):
    """Where the score of `rows` rows alike just rejects that a share of others is at an end, 0 or 1."""
    z = stats.norm.ppf(0.975)

    def bound(end):
        moved = lambda part: value + part * (end - value)
        score = lambda part: abs(value - moved(part)) - z * abs(end - value) * (part * (1 - part) / rows) ** 0.5
        return moved(optimize.brentq(score, 1e-12, 1 - 1e-12)) if end != value else value

    return [value, bound(0.0), bound(1.0)]


def mean(per_row, floor=None, ceiling=None):
    low, high = stats.norm.interval(0.95, per_row.mean(), stats.sem(per_row))
    low = low if floor is None else max(low, floor)
    return [per_row.mean(), low, high if ceiling is None else min(high, ceiling)]


def share(successes, trials):
    interval = stats.binomtest(int(successes), int(trials)).proportion_ci(method="wilson")
    return [successes / trials, interval.low, interval.high]


def calibration_error(truth, score):
    bins = numpy.minimum(numpy.floor(score * 10), 9)
    gaps = [
        (bins == n).mean() * abs(truth[bins == n].mean() - score[bins == n].mean())
        for n in numpy.unique(bins)
    ]
    return sum(gaps)


def binary(name, truth, score, threshold):
    truth, score = numpy.asarray(truth), numpy.asarray(score, dtype=float)
    decision = score >= threshold
    clipped = numpy.clip(score, numpy.finfo(float).eps, 1 - numpy.finfo(float).eps)
    losses = -numpy.where(truth == 1, numpy.log(clipped), numpy.log1p(-clipped))
    assert abs(losses.mean() - metrics.log_loss(truth, score)) < 1e-12
    squares = (score - truth) ** 2
    assert abs(squares.mean() - metrics.brier_score_loss(truth, score)) < 1e-12
    hits = int((decision & (truth == 1)).sum())
    wanted = {
        "roc_auc": delong(truth, score),
        "pr_auc": [metrics.average_precision_score(truth, score)],
        "log_loss": mean(losses, 0.0),
        "brier": mean(squares, 0.0, 1.0),
        "ece": [calibration_error(truth, score)],
        "accuracy": share((decision == truth).sum(), len(truth)),
        "recall": share(hits, truth.sum()),
        "f1": [metrics.f1_score(truth, decision)],
    }
    if decision.any():
        wanted["precision"] = share(hits, decision.sum())
        assert abs(wanted["precision"][0] - metrics.precision_score(truth, decision)) < 1e-12
    assert abs(wanted["recall"][0] - metrics.recall_score(truth, decision)) < 1e-12
    return {
        "name": name,
        "truth": truth.tolist(),
        "score": score.tolist(),
        "threshold": threshold,
        "wanted": wanted,
    }


def multiclass(name, truth, score):
    truth, score = numpy.asarray(truth), numpy.asarray(score, dtype=float)
    classes = score.shape[1]
    labels = list(range(classes))
    eps = numpy.finfo(float).eps
    losses = -numpy.log(numpy.clip(score[numpy.arange(len(truth)), truth], eps, 1 - eps))
    assert abs(losses.mean() - metrics.log_loss(truth, score, labels=labels)) < 1e-12
    squares = ((score - numpy.eye(classes)[truth]) ** 2).sum(axis=1)
    decision = score.argmax(axis=1)
    wanted = {
        "log_loss": mean(losses, 0.0),
        "brier": mean(squares, 0.0),
        "accuracy": share((decision == truth).sum(), len(truth)),
        "f1_macro": [metrics.f1_score(truth, decision, average="macro")],
    }
    if len(numpy.unique(truth)) == classes:
        areas = [metrics.roc_auc_score(truth == n, score[:, n]) for n in labels]
        wanted["roc_auc"] = [numpy.mean(areas)]
    return {"name": name, "truth": truth.tolist(), "score": score.T.tolist(), "wanted": wanted}


def regression(name, truth, predicted):
    truth, predicted = numpy.asarray(truth, dtype=float), numpy.asarray(predicted, dtype=float)
    squares = (truth - predicted) ** 2
    rmse = metrics.root_mean_squared_error(truth, predicted)
    error = stats.sem(squares) / (2 * rmse)
    low, high = stats.norm.interval(0.95, rmse, error)
    wanted = {
        "rmse": [rmse, max(low, 0.0), high],
        "mae": mean(abs(truth - predicted), 0.0),
        "bias": mean(predicted - truth),
        "median_absolute_error": [metrics.median_absolute_error(truth, predicted)],
    }
    if len(numpy.unique(truth)) > 1:
        wanted["r2"] = [metrics.r2_score(truth, predicted)]
    return {"name": name, "truth": truth.tolist(), "score": predicted.tolist(), "wanted": wanted}


def drawn_classes(rows, classes, missing=()):
    logits = random.normal(size=(rows, classes))
    score = numpy.exp(logits)
    score = numpy.round(score / score.sum(axis=1, keepdims=True), 4)
    score[:, -1] = 1 - score[:, :-1].sum(axis=1)
    truth = (logits + random.gumbel(size=(rows, classes))).argmax(axis=1)
    for gone in missing:
        truth[truth == gone] = 0
    return truth, score


n = 80
smooth = numpy.round(random.uniform(size=n), 6)
label = (random.uniform(size=n) < smooth).astype(int)
rare = numpy.zeros(n, dtype=int)
rare[[3, 40]] = 1
three, four = drawn_classes(90, 3), drawn_classes(60, 4, missing=[2])
x = numpy.round(random.normal(size=n) * 10, 4)
noise = numpy.round(random.normal(size=n), 4)

out = {
    "made_by": "python data/oracle/make_metrics.py",
    "versions": {
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    },
    "binary": [
        binary("calibrated", label, smooth, 0.5),
        binary("tied", label, numpy.round(smooth * 5) / 5, 0.4),
        binary("constant", label, numpy.full(n, 0.3), 0.3),
        binary("certain and wrong", label, (smooth > 0.4).astype(float), 0.5),
        binary("two positives, none decided", rare, smooth * 0.4, 0.5),
        binary("perfect", label, 0.1 + 0.8 * label, 0.5),
        binary("two rows", [0, 1], [0.2, 0.6], 0.5),
    ],
    "multiclass": [
        multiclass("three classes", *three),
        multiclass("a class without rows", *four),
        multiclass("tied", three[0], numpy.round(three[1] * 4) / 4),
    ],
    "regression": [
        regression("near", x, x + noise),
        regression("worse than the mean", x, -x),
        regression("far from zero", x + 1e9, x + 1e9 + noise),
        regression("constant label", numpy.full(n, 3.5), noise),
    ],
}
with open("data/oracle/metrics.json", "w", encoding="utf-8") as file:
    json.dump(out, file, separators=(",", ":"))
    file.write("\n")
