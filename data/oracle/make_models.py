"""Reference numbers for the models: scikit-learn on data/wine/red.csv.

Run from the root of the repository: python data/oracle/make_models.py
"""

import json
import platform

import numpy as np
import pandas as pd
import sklearn
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB

LEVELS_MAX = 4
ROWS_SHOWN = 25


def table():
    """The wine table with nulls and a categorical column, made the same way in src/learn/fit/oracle.rs."""
    out = pd.read_csv("data/wine/red.csv")
    row = np.arange(len(out))
    band = ["s%d" % int(value * 10.0) for value in out["sulphates"]]
    out["band"] = np.where(row % 17 == 0, None, band)
    out.loc[row % 13 == 0, "citric acid"] = np.nan
    out["strength"] = np.select([out["alcohol"] < 10, out["alcohol"] < 11], ["low", "mid"], "strong")
    return out


def matrix(data, left_out, scale):
    """Median imputation, scaling and one-hot columns, by hand."""
    parts = {}
    for name in data.columns:
        if name in left_out:
            continue
        values = data[name]
        if name != "band":
            values = values.fillna(values.median())
            parts[name] = (values - values.mean()) / values.std(ddof=0) if scale else values
            continue
        counts = values.value_counts()
        kept = sorted(sorted(counts.index, key=lambda level: (-counts[level], level))[:LEVELS_MAX])
        for level in kept:
            parts[f"band={level}"] = (values == level).astype(float)
        parts["band=__other__"] = (values.notna() & ~values.isin(kept)).astype(float)
        parts["band=__missing__"] = values.isna().astype(float)
    return pd.DataFrame(parts)


def case(name, job, left_out, scale, model, label, data):
    """Fits one model and writes down what ours must match."""
    design = matrix(data, left_out, scale)
    model.fit(design.to_numpy(), data[label])
    out = {"name": name, "job": job, "columns": list(design.columns)}
    if hasattr(model, "coef_"):
        out["weights"] = np.atleast_2d(model.coef_).tolist()
        out["intercepts"] = np.atleast_1d(model.intercept_).tolist()
    if hasattr(model, "predict_proba"):
        shares = model.predict_proba(design.to_numpy())
        out["log_loss"] = log_loss(data[label], shares)
        out["predictions"] = shares[:ROWS_SHOWN, 1:].ravel().tolist() if shares.shape[1] == 2 else shares[:ROWS_SHOWN].T.ravel().tolist()
    else:
        out["predictions"] = model.predict(design.to_numpy())[:ROWS_SHOWN].tolist()
    return out


def cases(data):
    """Every kind, scaled and not, with the penalties of both sides put into the same units."""
    rows = len(data)
    good = ["quality_good", "strength"]
    strength = good + ["alcohol"]
    tight = {"tol": 1e-12, "max_iter": 1_000_000}
    logistic = lambda alpha: LogisticRegression(C=1 / alpha, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    softmax = LogisticRegression(C=0.5, solver="lbfgs", tol=1e-11, max_iter=1_000_000)
    return [
        case("binary_scaled", 'label = "quality_good" binary logistic alpha=1.0', good, True, logistic(1.0), "quality_good", data),
        case("binary_raw", 'label = "quality_good" binary logistic alpha=3.0', good, False, logistic(3.0), "quality_good", data),
        case("multiclass", 'label = "strength" multiclass logistic alpha=2.0', strength, True, softmax, "strength", data),
        case("linear", 'label = "alcohol" regression linear', strength, True, LinearRegression(), "alcohol", data),
        case("lasso", 'label = "alcohol" regression elastic_net alpha=0.01 l1_ratio=1.0', strength, True, ElasticNet(alpha=0.01, l1_ratio=1.0, **tight), "alcohol", data),
        case("elastic_net_raw", 'label = "alcohol" regression elastic_net alpha=0.02 l1_ratio=0.3', strength, False, ElasticNet(alpha=0.02, l1_ratio=0.3, **tight), "alcohol", data),
        case("ridge", 'label = "alcohol" regression elastic_net alpha=0.1 l1_ratio=0.0', strength, True, Ridge(alpha=0.1 * rows, solver="cholesky"), "alcohol", data),
        case("bayes_binary", 'label = "quality_good" binary gaussian_nb', good, False, GaussianNB(), "quality_good", data),
        case("bayes_multiclass", 'label = "strength" multiclass gaussian_nb', strength, False, GaussianNB(), "strength", data),
    ]


def main():
    out = {
        "made_by": "python data/oracle/make_models.py",
        "versions": {"python": platform.python_version(), "scikit-learn": sklearn.__version__, "numpy": np.__version__},
        "cases": cases(table()),
    }
    with open("data/oracle/models.json", "w", encoding="utf-8") as file:
        json.dump(out, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
