"""Reference numbers for calibration: scikit-learn's `CalibratedClassifierCV` on predictions that are given.

Run from the root of the repository: python data/oracle/make_calibration.py
"""

import json
import platform

import numpy as np
import scipy
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

ROWS = 240


class Given(ClassifierMixin, BaseEstimator):
    """A model that says what its input holds: probabilities of each class, or of class 1."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.column_stack([1 - X[:, 0], X[:, 0]]) if X.shape[1] == 1 else X

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class GivenOdds(Given):
    """The same, asked for its log odds, to which the sigmoid is fitted."""

    def decision_function(self, X):
        odds = np.log(X / (1 - X))
        return odds[:, 0] if X.shape[1] == 1 else odds


def data(classes, random):
    """Probabilities that are too sure, with ties, the classes of the rows, and weights of mean 1."""
    logits = 2.5 * random.normal(size=(ROWS, classes))
    truth = np.exp(logits / 3.0)
    truth /= truth.sum(axis=1, keepdims=True)
    index = np.array([random.choice(classes, p=row) for row in truth])
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    shares = np.clip(shares.round(2), 0.003, 0.997)
    weights = random.integers(1, 6, size=ROWS) / 2.0
    return (shares[:, 1:] if classes == 2 else shares), index, weights / weights.mean()


def case(method, classes, weighted, random):
    """Calibrates, and writes down inputs and what becomes of other predictions."""
    shares, index, weights = data(classes, random)
    asked, _, _ = data(classes, random)
    asked = asked[:40]
    given = (GivenOdds if method == "platt" else Given)().fit(shares, index)
    name = {"platt": "sigmoid", "isotonic": "isotonic"}[method]
    model = CalibratedClassifierCV(FrozenEstimator(given), method=name, cv=2, ensemble=False)
    model.fit(shares, index, sample_weight=weights if weighted else None)
    found = model.predict_proba(asked)
    return {
        "method": method,
        "predictions": shares.T.tolist(),
        "index": index.tolist(),
        "weights": weights.tolist() if weighted else None,
        "asked": asked.T.tolist(),
        "wanted": (found[:, 1:] if classes == 2 else found).T.tolist(),
    }


def main():
    random = np.random.default_rng(5)
    cases = [
        case(method, classes, weighted, random)
        for method in ["platt", "isotonic"]
        for classes in [2, 3]
        for weighted in [False, True]
    ]
    out = {
        "made_by": "python data/oracle/make_calibration.py",
        "versions": {
            "python": platform.python_version(),
            "scikit-learn": sklearn.__version__,
            "scipy": scipy.__version__,
            "numpy": np.__version__,
        },
        "cases": cases,
    }
    with open("data/oracle/calibration.json", "w", encoding="utf-8") as file:
        json.dump(out, file)
        file.write("\n")


if __name__ == "__main__":
    main()
