"""Reference numbers for `nightshift evaluate`: scikit-learn and scipy on predictions that are written down beside them.

Run from the root of the repository: python data/oracle/make_evaluate.py

DeLong's test is made of placement values compared pair by pair, McNemar's p-value is that of the exact binomial
test, rates of groups are counted. Both models are compared on the same rows, the second with the first.
"""

import json
import platform

import numpy
import scipy
import sklearn
from scipy import stats
from sklearn import metrics

random = numpy.random.default_rng(20260107)
ROWS = 300


def calibration_error(truth, score):
    bins = numpy.minimum(numpy.floor(score * 10), 9)
    return sum(
        (bins == n).mean() * abs(truth[bins == n].mean() - score[bins == n].mean()) for n in numpy.unique(bins)
    )


def placements(truth, score):
    """For each positive the share of negatives below it, and for each negative that of positives above it."""
    above = numpy.sign(score[truth == 1][:, None] - score[truth == 0][None, :]) / 2 + 0.5
    return above.mean(axis=1), above.mean(axis=0)


def delong(truth, first, second):
    """The difference of two areas, its standard error and its p-value (DeLong and others, 1988)."""
    pulls = [a - b for a, b in zip(placements(truth, second), placements(truth, first))]
    error = sum(pull.var(ddof=1) / len(pull) for pull in pulls) ** 0.5
    difference = pulls[0].mean()
    return {"difference": difference, "standard_error": error, "p_value": 2 * stats.norm.sf(abs(difference / error))}


def mcnemar(truth, first, second):
    right = [decision == truth for decision in (first, second)]
    split = [int((a & ~b).sum()) for a, b in (right, right[::-1])]
    p = stats.binomtest(split[0], sum(split), 0.5).pvalue
    return {"difference": right[1].mean() - right[0].mean(), "p_value": p}


def rates(truth, decision):
    return {
        "selection_rate": decision.mean(),
        "true_positive_rate": decision[truth == 1].mean(),
        "false_positive_rate": decision[truth == 0].mean(),
    }


def groups(truth, decision, group):
    """Rates by group, and the gaps that fairlearn calls so."""
    each = {name: rates(truth[group == name], decision[group == name]) for name in sorted(set(group))}
    by = lambda rate: [found[rate] for found in each.values()]
    gap = lambda rate: max(by(rate)) - min(by(rate))
    return {
        "groups": each,
        "disparity": {
            "demographic_parity_difference": gap("selection_rate"),
            "demographic_parity_ratio": min(by("selection_rate")) / max(by("selection_rate")),
            "equalized_odds_difference": max(gap("true_positive_rate"), gap("false_positive_rate")),
        },
    }


def binary():
    logit = random.normal(-0.5, 1.5, ROWS)
    truth = (random.uniform(size=ROWS) < 1 / (1 + numpy.exp(-logit))).astype(int)
    # The better model has ties, the other one is too sure of itself.
    second = numpy.round(1 / (1 + numpy.exp(-(logit + random.normal(0, 0.7, ROWS)))), 2)
    first = numpy.round(1 / (1 + numpy.exp(-2 * (logit + random.normal(0, 2.5, ROWS)))), 6)
    group = random.choice(["north", "south", "west"], ROWS, p=[0.5, 0.3, 0.2])
    decision = {"first": first >= 0.5, "second": second >= 0.5}
    wanted = {}
    for name, score in [("first", first), ("second", second)]:
        chosen = decision[name].astype(int)
        wanted[name] = {
            "metrics": {
                "roc_auc": metrics.roc_auc_score(truth, score),
                "pr_auc": metrics.average_precision_score(truth, score),
                "log_loss": metrics.log_loss(truth, score),
                "brier": metrics.brier_score_loss(truth, score),
                "ece": calibration_error(truth, score),
                "accuracy": metrics.accuracy_score(truth, chosen),
                "precision": metrics.precision_score(truth, chosen),
                "recall": metrics.recall_score(truth, chosen),
                "f1": metrics.f1_score(truth, chosen),
            }
        } | groups(truth, decision[name], group)
    return {
        "task": "binary",
        "columns": {"y": truth, "first": first, "second": second, "group": group},
        "wanted": wanted,
        "comparisons": {"roc_auc": delong(truth, first, second), "accuracy": mcnemar(truth, *decision.values())},
    }


def multiclass():
    logits = random.normal(size=(ROWS, 3))
    truth = (logits + random.gumbel(size=(ROWS, 3))).argmax(axis=1)

    def shares(noise):
        score = numpy.exp(logits + random.normal(0, noise, (ROWS, 3)))
        score = numpy.round(score / score.sum(axis=1, keepdims=True), 4)
        score[:, -1] = 1 - score[:, :-1].sum(axis=1)
        return score

    models = {"first": shares(2.0), "second": shares(0.5)}
    columns = {"y": numpy.array(["a", "b", "c"])[truth]}
    wanted = {}
    for name, score in models.items():
        columns |= {f"{name}_{level}": score[:, n] for n, level in enumerate("abc")}
        decision = score.argmax(axis=1)
        wanted[name] = {
            "metrics": {
                "log_loss": metrics.log_loss(truth, score),
                "accuracy": metrics.accuracy_score(truth, decision),
                "f1_macro": metrics.f1_score(truth, decision, average="macro"),
                "roc_auc": metrics.roc_auc_score(truth, score, multi_class="ovr", average="macro"),
            }
        }
    decisions = [score.argmax(axis=1) for score in models.values()]
    comparisons = {"accuracy": mcnemar(truth, *decisions)}
    return {"task": "multiclass", "columns": columns, "wanted": wanted, "comparisons": comparisons}


def regression():
    truth = numpy.round(random.normal(100, 20, ROWS), 3)
    columns = {"y": truth}
    wanted = {}
    for name, spread in [("first", 12), ("second", 9)]:
        score = columns[name] = numpy.round(truth + random.normal(1, spread, ROWS), 3)
        wanted[name] = {
            "metrics": {
                "rmse": metrics.root_mean_squared_error(truth, score),
                "mae": metrics.mean_absolute_error(truth, score),
                "median_absolute_error": metrics.median_absolute_error(truth, score),
                "r2": metrics.r2_score(truth, score),
                "bias": (score - truth).mean(),
            }
        }
    return {"task": "regression", "columns": columns, "wanted": wanted, "comparisons": {}}


class Plain(json.JSONEncoder):
    def default(self, value):
        return value.tolist()


def main():
    out = {
        "made_by": "python data/oracle/make_evaluate.py",
        "versions": {
            "python": platform.python_version(),
            "numpy": numpy.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "tables": [binary(), multiclass(), regression()],
    }
    with open("data/oracle/evaluate.json", "w", encoding="utf-8") as file:
        json.dump(out, file, cls=Plain, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
