"""Reference metrics for the kinds made of trees: scikit-learn on made-up rows, and on `../shared/data`.

Run from the root of the repository: python data/oracle/make_trees.py
It writes data/oracle/trees.json, and prints the constants of tests/it/trees.rs if `../shared` is there.
The rows are made in the same way in src/learn/fit/oracle_trees.rs.
"""

import glob
import json
import os
import platform

import numpy as np
import sklearn
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

ROWS, TRAIN, SEEDS = 9_000, 6_000, 5


def noise(salt):
    """A number from 0 to 1 for each row, by a hash of 32 bits."""
    row = np.arange(ROWS, dtype=np.uint64)
    word = np.uint64(0xFFFFFFFF)
    mixed = ((row ^ np.uint64(salt * 0x9E3779B9 & 0xFFFFFFFF)) * np.uint64(0x85EBCA6B)) & word
    mixed = ((mixed ^ (mixed >> np.uint64(13))) * np.uint64(0xC2B2AE35)) & word
    mixed = ((mixed ^ (mixed >> np.uint64(16))) * np.uint64(0x85EBCA6B)) & word
    return (mixed ^ (mixed >> np.uint64(15))).astype(float) / 0xFFFFFFFF


def table():
    """Five numbers, of which one has gaps, a category, and three labels."""
    x = [noise(salt) for salt in range(1, 6)]
    city = np.floor(noise(6) * 12).astype(int)
    effect = np.array([0.9, -0.4, 0.1, -1.0, 0.5, 0.0, -0.7, 0.8, -0.2, 0.3, 1.0, -0.9])[city]
    signal = 3 * x[0] * x[1] + np.abs(x[2] - 0.5) * 4 - 2 * (x[3] > 0.7) + effect
    gap = noise(7) < 0.1
    signal = signal + np.where(gap, 1.0, x[4])
    x[4] = np.where(gap, np.nan, x[4])
    value = signal + 2 * (noise(8) + noise(9) - 1)
    two = (value > 2.0).astype(int)
    three = np.digitize(value, [1.0, 2.5])
    return np.column_stack([*x, city]), {"value": value, "two": two, "three": three}


MODELS = {
    ("decision_tree", False): lambda seed: DecisionTreeClassifier(max_depth=10, min_samples_leaf=20, random_state=seed),
    ("decision_tree", True): lambda seed: DecisionTreeRegressor(max_depth=10, min_samples_leaf=20, random_state=seed),
    ("random_forest", False): lambda seed: RandomForestClassifier(random_state=seed, n_jobs=2),
    ("random_forest", True): lambda seed: RandomForestRegressor(random_state=seed, n_jobs=2),
    ("gradient_boosting", False): lambda seed, **more: HistGradientBoostingClassifier(random_state=seed, **more),
    ("gradient_boosting", True): lambda seed, **more: HistGradientBoostingRegressor(random_state=seed, **more),
}


def metric(task, model, features, labels):
    """R² of a regression, the area under the ROC curve, or R² of the indicators of several classes."""
    if task == "regression":
        return r2_score(labels, model.predict(features))
    shares = model.predict_proba(features)
    if task == "binary":
        return roc_auc_score(labels, shares[:, 1])
    wanted = np.eye(shares.shape[1])[labels]
    return 1 - ((shares - wanted) ** 2).sum() / ((wanted - wanted.mean(axis=0)) ** 2).sum()


def mean(kind, task, train, test, **more):
    """The mean of the metric over seeds."""
    of = lambda seed: MODELS[kind, task == "regression"](seed, **more).fit(*train)
    return float(np.mean([metric(task, of(seed), *test) for seed in range(SEEDS)]))


def made_up():
    features, labels = table()
    out = []
    for kind in ["decision_tree", "random_forest", "gradient_boosting"]:
        for task, label in [("binary", "two"), ("multiclass", "three"), ("regression", "value")]:
            more = {"categorical_features": [5]} if kind == "gradient_boosting" else {}
            parts = (features[:TRAIN], labels[label][:TRAIN]), (features[TRAIN:], labels[label][TRAIN:])
            out.append({"kind": kind, "task": task, "label": label, "metric": mean(kind, task, *parts, **more)})
    return out


def shared():
    """Splits as nightshift makes them: the newest fifth of the rows by time is held out."""
    import polars as pl

    jobs = [
        ("elec2", "binary", "label", ["ts", "label", "date_src"]),
        ("bikes", "regression", "cnt", ["ts", "cnt", "casual", "registered", "instant"]),
    ]
    for name, task, label, left_out in jobs:
        files = sorted(glob.glob(f"../shared/data/{name}/*.parquet"))
        data = pl.concat([pl.read_parquet(file) for file in files]).sort("ts")
        features = data.drop(left_out).cast(pl.Float64).to_numpy()
        labels = data[label].cast(pl.Float64).to_numpy()
        first = len(data) - round(len(data) * 0.2)
        parts = (features[:first], labels[:first]), (features[first:], labels[first:])
        for kind in ["decision_tree", "random_forest", "gradient_boosting"]:
            print(f"{name} {kind} {mean(kind, task, *parts):.5f} ({len(data) - first} rows held out)")


def main():
    out = {
        "made_by": "python data/oracle/make_trees.py",
        "versions": {"python": platform.python_version(), "scikit-learn": sklearn.__version__, "numpy": np.__version__},
        "cases": made_up(),
    }
    with open("data/oracle/trees.json", "w", encoding="utf-8") as file:
        json.dump(out, file, indent=1)
        file.write("\n")
    if os.path.isdir("../shared/data"):
        shared()


if __name__ == "__main__":
    main()
