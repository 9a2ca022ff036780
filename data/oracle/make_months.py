"""Reference metrics for a whole training: scikit-learn on data/wine/red.csv, cut into months.

Run from the root of the repository: python data/oracle/make_months.py

Row n has the id n and is 6n hours younger than the first of January 2025, and the months until July are trained on.
Rows are held out as nightshift says that it does: the newest fifth, or those whose hash of seed and id is low. The
same table is made in tests/it/months.rs.
"""

import json
import platform

import numpy as np
import pandas as pd
import sklearn
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SHARE, SEED = 0.2, 7
WORD = (1 << 64) - 1


def finish(state):
    """The finaliser of SplitMix64."""
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & WORD
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & WORD
    return state ^ (state >> 31)


def is_held_out(number):
    """Whether a random split holds the row with an integer id out, by the hash of its id and the seed."""
    hashed = finish(number * 0xBB67AE8584CAA73B & WORD ^ 0x9E3779B97F4A7C15)
    mix = lambda value: finish(value + 0x9E3779B97F4A7C15 & WORD)
    return mix(mix(SEED) ^ hashed) < int(SHARE * 2.0**64)


def table():
    out = pd.read_csv("data/wine/red.csv")
    out["strength"] = np.select([out["alcohol"] < 10, out["alcohol"] < 11], ["low", "mid"], "strong")
    at = pd.Timestamp("2025-01-01") + pd.to_timedelta(6 * np.arange(len(out)), unit="h")
    return out[at < "2025-07-01"]


def binary(model, x, y):
    p = model.predict_proba(x)[:, 1]
    decision = p >= 0.5
    return {
        "roc_auc": roc_auc_score(y, p),
        "pr_auc": average_precision_score(y, p),
        "log_loss": log_loss(y, p),
        "brier": brier_score_loss(y, p),
        "accuracy": accuracy_score(y, decision),
        "f1": f1_score(y, decision),
    }


def multiclass(model, x, y):
    return {"log_loss": log_loss(y, model.predict_proba(x)), "accuracy": accuracy_score(y, model.predict(x))}


def regression(model, x, y):
    p = model.predict(x)
    return {"rmse": root_mean_squared_error(y, p), "mae": mean_absolute_error(y, p), "r2": r2_score(y, p)}


def case(name, label, left_out, split, model, judge):
    data = table()
    held_out = np.array([is_held_out(row) for row in range(len(data))])
    if split == "time":
        held_out = np.arange(len(data)) >= len(data) - round(len(data) * SHARE)
    x, y = data.drop(columns=[label, *left_out]).to_numpy(), data[label].to_numpy()
    fitted = make_pipeline(StandardScaler(), model).fit(x[~held_out], y[~held_out])
    rows = [int((~held_out).sum()), int(held_out.sum())]
    return {"name": name, "rows": rows, "metrics": judge(fitted, x[held_out], y[held_out])}


def main():
    logistic = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    softmax = LogisticRegression(C=1.0, solver="lbfgs", tol=1e-11, max_iter=1_000_000)
    out = {
        "made_by": "python data/oracle/make_months.py",
        "versions": {"python": platform.python_version(), "scikit-learn": sklearn.__version__, "numpy": np.__version__},
        "cases": [
            case("good_by_time", "quality_good", ["strength"], "time", logistic, binary),
            case("good_by_id", "quality_good", ["strength"], "random", logistic, binary),
            case("alcohol_by_time", "alcohol", ["strength", "quality_good"], "time", LinearRegression(), regression),
            case("strength_by_id", "strength", ["alcohol", "quality_good"], "random", softmax, multiclass),
        ],
    }
    with open("data/oracle/months.json", "w", encoding="utf-8") as file:
        json.dump(out, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
