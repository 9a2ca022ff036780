"""Kinds of models beside scikit-learn and LightGBM: the same rows, the same split, both cores, in one run.

    python benches/kinds.py ../shared/data [--only elec2,bank]

Needs numpy, polars and scikit-learn; LightGBM is compared with where it is installed. Real data are brought
into one table for each data set, with a column `at` by which the newest fifth is held out: the order of time for
elec2 and bikes, a seeded shuffle for bank and wine. Our side is `cargo bench --bench kinds`, which reads these
tables; the others get what their users would give them: imputed, encoded and scaled where they need it. Each
fit is the best of three.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
warnings.filterwarnings("ignore")

import numpy as np
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

try:
    import lightgbm
except ImportError:
    lightgbm = None

THREADS = os.cpu_count()
FITS = 3
TEST = 0.2


def tables(folder):
    """Name, table, task, label, categorical columns, metric."""
    def read(name):
        return pl.concat([pl.read_parquet(path) for path in sorted((folder / name).glob("*.parquet"))])

    def shuffled(table):
        return table[np.random.default_rng(7).permutation(len(table)).tolist()]

    yield ("elec2", read("elec2").sort("ts").drop("ts", "date_src"), "binary", "label", [], "roc_auc")
    bank = shuffled(read("bank")).drop("row", "ym", "duration")
    bank = bank.rename({name: name.replace(".", "_") for name in bank.columns})
    texts = [name for name, kind in bank.schema.items() if kind == pl.String]
    yield ("bank", bank, "binary", "label", texts, "roc_auc")
    bikes = read("bikes").sort("ts").drop("ts", "instant", "casual", "registered")
    yield ("bikes", bikes, "regression", "cnt", [], "rmse")
    wine = shuffled(read("wine")).with_columns(pl.col("quality").clip(4, 8).cast(pl.String))
    yield ("wine", wine, "multiclass", "quality", ["color"], "log_loss")


KINDS = {
    "binary": ["logistic", "gaussian_nb", "decision_tree", "random_forest", "gradient_boosting"],
    "multiclass": ["logistic", "gaussian_nb", "decision_tree", "random_forest", "gradient_boosting"],
    "regression": ["linear", "elastic_net", "decision_tree", "random_forest", "gradient_boosting"],
}
# The same on both sides, where the defaults differ.
PARAMS = {"decision_tree": "max_depth = 10\nmin_samples_leaf = 20", "elastic_net": "alpha = 0.1"}


def job(name, kind, task, label, metric):
    params = f"[model.params]\n{PARAMS[kind]}" if kind in PARAMS else ""
    return f"""
name = "{name}-{kind.replace('_', '-')}"
[data]
source = "data/{name}.parquet"
time = "at"
label = "{label}"
[model]
task = "{task}"
kind = "{kind}"
{params}
[score]
output = "scores/{name}-{kind}"
[train]
split = {{ by = "time", test = {TEST} }}
[[gate]]
metric = "{metric}"
compare = "non_inferiority"
"""


def estimators(task, kind, numbers, texts):
    """What a user of the other libraries would fit, by name."""
    regression = task == "regression"
    dense = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
    )
    codes = make_column_transformer(
        ("passthrough", numbers),
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan),
         texts),
    )
    tree = {"max_depth": 10, "min_samples_leaf": 20, "random_state": 0}
    forest = {"n_jobs": THREADS, "random_state": 0}
    native = {"categorical_features": list(range(len(numbers), len(numbers) + len(texts))), "random_state": 0}
    if kind == "logistic":
        yield "scikit-learn", make_pipeline(dense, LogisticRegression(max_iter=1000))
    elif kind == "gaussian_nb":
        yield "scikit-learn", make_pipeline(dense, GaussianNB())
    elif kind == "linear":
        yield "scikit-learn", make_pipeline(dense, LinearRegression())
    elif kind == "elastic_net":
        yield "scikit-learn", make_pipeline(dense, ElasticNet(alpha=0.1))
    elif kind == "decision_tree":
        found = DecisionTreeRegressor(**tree) if regression else DecisionTreeClassifier(**tree)
        yield "scikit-learn", make_pipeline(codes, found)
    elif kind == "random_forest":
        found = RandomForestRegressor(**forest) if regression else RandomForestClassifier(**forest)
        yield "scikit-learn", make_pipeline(codes, found)
    elif kind == "gradient_boosting":
        found = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
        yield "scikit-learn", make_pipeline(codes, found(**native))
        if lightgbm is not None:
            found = lightgbm.LGBMRegressor if regression else lightgbm.LGBMClassifier
            model = found(n_jobs=THREADS, verbose=-1, random_state=0)
            yield "LightGBM", (codes, model, native["categorical_features"])


def fitted(estimator, x, y):
    """The fitted estimator and a function that predicts."""
    if isinstance(estimator, tuple):
        codes, model, categories = estimator
        model.fit(codes.fit_transform(x), y, categorical_feature=categories or "auto")
        return model, lambda x: codes.transform(x)
    estimator.fit(x, y)
    return estimator, lambda x: x


def judged(task, metric, model, x, y):
    if task == "regression":
        return mean_squared_error(y, model.predict(x)) ** 0.5
    probability = model.predict_proba(x)
    if metric == "roc_auc":
        return roc_auc_score(y, probability[:, 1])
    return log_loss(y, probability, labels=model.classes_)


def others(table, task, label, texts, metric):
    """Lines of the other libraries: kind, library, value, seconds of the fit, rows a second of the prediction."""
    frame = table.drop("at").to_pandas()
    y = frame.pop(label).to_numpy()
    numbers = [name for name in frame.columns if name not in texts]
    last = int(round(len(frame) * (1 - TEST)))
    train, test = frame.iloc[:last], frame.iloc[last:]
    for kind in KINDS[task]:
        for library, estimator in estimators(task, kind, numbers, texts):
            best = float("inf")
            for _ in range(FITS):
                begun = time.perf_counter()
                model, transform = fitted(estimator, train, y[:last])
                best = min(best, time.perf_counter() - begun)
            predict = model.predict if task == "regression" else model.predict_proba
            rate = 0.0
            for _ in range(5):
                begun = time.perf_counter()
                predict(transform(test))
                rate = max(rate, len(test) / (time.perf_counter() - begun))
            yield kind, library, judged(task, metric, model, transform(test), y[last:]), best, rate


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--only", default="elec2,bank,bikes,wine")
    options = parser.parse_args()
    wanted = options.only.split(",")
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name in ("jobs", "data"):
            (root / name).mkdir()
        (root / "nightshift.toml").write_text("")
        chosen = [found for found in tables(options.data) if found[0] in wanted]
        for place, (name, table, task, label, texts, metric) in enumerate(chosen):
            at = pl.datetime_range(
                pl.datetime(2020, 1, 1), pl.datetime(2020, 1, 1) + pl.duration(seconds=len(table) - 1),
                interval="1s", eager=True,
            )
            table = table.with_columns(at.alias("at"))
            chosen[place] = (name, table, task, label, texts, metric)
            table.write_parquet(root / "data" / f"{name}.parquet")
            for kind in KINDS[task]:
                (root / "jobs" / f"{name}-{kind}.toml").write_text(job(name, kind, task, label, metric))
        command = ["cargo", "bench", "--profile", "release", "--bench", "kinds", "--", str(root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(done.stderr)
        ours = {found["job"]: found for found in map(json.loads, done.stdout.splitlines())}
        print(f"{'data':6} {'kind':18} {'metric':9} {'library':13} {'value':>9} {'fit s':>8} {'rows/s':>12}")
        for name, table, task, label, texts, metric in chosen:
            theirs = list(others(table, task, label, texts, metric))
            for kind in KINDS[task]:
                found = ours[f"{name}-{kind.replace('_', '-')}"]
                lines = [("nightshift", found["value"], found["fit_seconds"], found["predict_rows_a_second"])]
                lines += [line[1:] for line in theirs if line[0] == kind]
                for library, value, seconds, rate in lines:
                    print(f"{name:6} {kind:18} {metric:9} {library:13} {value:9.5f} {seconds:8.3f} {rate:12,.0f}")


if __name__ == "__main__":
    main()
