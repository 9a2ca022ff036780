"""Reference numbers for `nightshift drift`: scipy and numpy on tables that are written down beside them.

Run from the root of the repository: python data/oracle/make_drift.py

Cells of psi and jensen_shannon are cut by numpy at the deciles of the reference, none of which is tied; those of
texts are the categories, null being one. psi counts shares below 0.0001 as 0.0001 (Siddiqi, 2006).
"""

import json
import platform

import numpy
import scipy
from scipy import stats
from scipy.spatial.distance import jensenshannon

random = numpy.random.default_rng(20260106)

# No decile of so many rows is one of them.
REFERENCE, CURRENT = 240, 180


def binned(reference, current):
    """psi and the Jensen-Shannon distance of counts."""
    r, c = numpy.asarray(reference, float), numpy.asarray(current, float)
    r, c = r / r.sum(), c / c.sum()
    low_r, low_c = numpy.maximum(r, 1e-4), numpy.maximum(c, 1e-4)
    return {
        "psi": {"effect": float(((low_c - low_r) * numpy.log(low_c / low_r)).sum())},
        "jensen_shannon": {"effect": float(jensenshannon(r, c, base=2))},
    }


def numbers(name, reference, current, has_cells=True):
    """A column of numbers; NaN stands for null, which ks and wasserstein do not look at."""
    known = [side[~numpy.isnan(side)] for side in (reference, current)]
    moved = stats.wasserstein_distance(*known)
    wanted = {"wasserstein": {"statistic": moved, "effect": moved / known[0].std()}}
    if all(len(side) == len(whole) for side, whole in zip(known, (reference, current))):
        test = stats.ks_2samp(reference, current, method="auto")
        wanted["ks"] = {"statistic": test.statistic, "p_value": test.pvalue}
    if has_cells:
        edges = numpy.quantile(known[0], numpy.arange(1, 10) / 10, method="linear")
        assert len(set(edges)) == 9 and not set(edges) & set(known[0]) | set(edges) & set(known[1])
        counts = []
        for side, whole in zip(known, (reference, current)):
            cells = numpy.bincount(numpy.searchsorted(edges, side), minlength=10).tolist()
            counts.append(cells + [len(whole) - len(side)])
        wanted |= binned(*counts)
    plain = lambda side: [None if numpy.isnan(x) else float(x) for x in side]
    return {"name": name, "reference": plain(reference), "current": plain(current), "wanted": wanted}


def texts(name, reference, current):
    """A column of texts in which no expected count is below 5; null is a category."""
    levels = sorted({str(level) for level in [*reference, *current]})
    counts = [[sum(str(x) == level for x in side) for level in levels] for side in (reference, current)]
    test = stats.chi2_contingency(counts, correction=False)
    assert test.expected_freq.min() >= 5
    v = (test.statistic / numpy.sum(counts)) ** 0.5
    chi = {"statistic": test.statistic, "p_value": test.pvalue, "effect": v}
    return {"name": name, "reference": reference, "current": current, "wanted": {"chi_square": chi} | binned(*counts)}


def drawn(*pairs):
    """Texts with given shares; `None` is null."""
    names, shares = zip(*pairs)
    return lambda rows: [names[n] for n in random.choice(len(names), rows, p=shares)]


def with_gaps(values, share):
    return numpy.where(random.uniform(size=len(values)) < share, numpy.nan, values)


def main():
    normal = lambda mean, spread, rows: numpy.round(random.normal(mean, spread, rows), 6)
    before = drawn(("red", 0.5), ("green", 0.3), ("blue", 0.2))
    gaps = [drawn(("north", 0.5), ("south", 0.4), (None, 0.1)), drawn(("north", 0.3), ("south", 0.4), (None, 0.3))]
    moved = drawn(("red", 0.3), ("green", 0.3), ("new", 0.4))
    columns = [
        numbers("alike", normal(0, 1, REFERENCE), normal(0, 1, CURRENT)),
        numbers("moved", normal(50, 8, REFERENCE), normal(55, 8, CURRENT)),
        numbers("wider", normal(-3, 1, REFERENCE), normal(-3, 2.5, CURRENT)),
        numbers("beyond", normal(0, 1, REFERENCE), normal(20, 1, CURRENT)),
        numbers("skewed", numpy.exp(normal(0, 2, REFERENCE)), numpy.exp(normal(0.5, 2, CURRENT))),
        numbers("tied", normal(4, 2, REFERENCE).round(), normal(4.5, 2, CURRENT).round(), has_cells=False),
        numbers("gaps", with_gaps(normal(7, 3, REFERENCE), 0.05), with_gaps(normal(7, 3, CURRENT), 0.3)),
        texts("word", before(REFERENCE), before(CURRENT)),
        texts("replaced", before(REFERENCE), moved(CURRENT)),
        texts("holes", gaps[0](REFERENCE), gaps[1](CURRENT)),
    ]
    versions = {"python": platform.python_version(), "numpy": numpy.__version__, "scipy": scipy.__version__}
    out = {"made_by": "python data/oracle/make_drift.py", "versions": versions, "columns": columns}
    with open("data/oracle/drift.json", "w", encoding="utf-8") as file:
        json.dump(out, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
