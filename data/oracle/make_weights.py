"""Reference numbers for models fitted with weights: scikit-learn's `sample_weight` on data/wine/red.csv.

Run from the root of the repository: python data/oracle/make_weights.py
"""

import json
import platform

import numpy as np
import sklearn
from make_models import ROWS_SHOWN, matrix, table
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB


def weights(rows):
    """The weights, made the same way in src/learn/fit/oracle/weighted.rs."""
    row = np.arange(rows)
    return 0.25 + (row * 7 % 11) / 4.0 + np.where(row % 40 == 3, 30.0, 0.0)


def case(name, job, left_out, scale, model, label, data):
    """Fits one model with weights and writes down what ours must match."""
    design = matrix(data, left_out, scale)
    model.fit(design.to_numpy(), data[label], sample_weight=weights(len(data)))
    out = {"name": name, "job": job, "scaled": scale}
    if hasattr(model, "coef_"):
        out["weights"] = np.atleast_2d(model.coef_).tolist()
        out["intercepts"] = np.atleast_1d(model.intercept_).tolist()
    if hasattr(model, "predict_proba"):
        shares = model.predict_proba(design.to_numpy())[:ROWS_SHOWN]
        out["predictions"] = (shares[:, 1] if shares.shape[1] == 2 else shares.T.ravel()).tolist()
    else:
        out["predictions"] = model.predict(design.to_numpy())[:ROWS_SHOWN].tolist()
    return out


def cases(data):
    """Every kind. The columns of naive Bayes are scaled: its smoothing is of the variance of the rows as they are."""
    good = ["quality_good", "strength"]
    strength = good + ["alcohol"]
    logistic = lambda C, **more: LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12, max_iter=1000, **more)
    softmax = LogisticRegression(C=0.5, solver="lbfgs", tol=1e-11, max_iter=1_000_000)
    net = ElasticNet(alpha=0.02, l1_ratio=0.3, tol=1e-12, max_iter=1_000_000)
    binary = 'label = "quality_good" binary'
    return [
        case("logistic", f"{binary} logistic alpha=1.0", good, True, logistic(1.0), "quality_good", data),
        case("logistic_balanced", f'{binary} logistic alpha=2.0 class_weight="balanced"', good, True, logistic(0.5, class_weight="balanced"), "quality_good", data),
        case("softmax", 'label = "strength" multiclass logistic alpha=2.0', strength, True, softmax, "strength", data),
        case("linear", 'label = "alcohol" regression linear', strength, True, LinearRegression(), "alcohol", data),
        case("elastic_net", 'label = "alcohol" regression elastic_net alpha=0.02 l1_ratio=0.3', strength, False, net, "alcohol", data),
        case("bayes", 'label = "strength" multiclass gaussian_nb', strength, True, GaussianNB(), "strength", data),
        case("dummy", f"{binary} dummy", good, False, DummyClassifier(strategy="prior"), "quality_good", data),
        case("dummy_mean", 'label = "alcohol" regression dummy', strength, False, DummyRegressor(), "alcohol", data),
    ]


def main():
    out = {
        "made_by": "python data/oracle/make_weights.py",
        "versions": {"python": platform.python_version(), "scikit-learn": sklearn.__version__, "numpy": np.__version__},
        "cases": cases(table()),
    }
    with open("data/oracle/weights.json", "w", encoding="utf-8") as file:
        json.dump(out, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
