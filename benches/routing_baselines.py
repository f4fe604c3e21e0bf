"""What routing learned on tables is measured against: TF-IDF with surface features, cascadeflow, published figures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tierwise.routing import Table, surface_features

Floats = NDArray[np.float64]
PUBLISHED = (
    "MT-Bench, matrix factorisation 0.802 (CPT50 13.4 %, CPT80 31.3 %)",
    "MMLU, similarity-weighted 0.603 (35.4 %, 71.6 %)",
    "GSM8K, causal LLM 0.622 (33.6 %, 63.3 %)",
)


def tfidf_scores(seen: Table, unseen: Table) -> Floats:
    """P(strong) - P(weak) by logistic regression on TF-IDF of words and pairs, and surface features."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    surface = StandardScaler()
    x = hstack([words.fit_transform(seen.prompts), csr_matrix(surface.fit_transform(_surface(seen)) / 3)]).tocsr()
    new = hstack([words.transform(unseen.prompts), csr_matrix(surface.transform(_surface(unseen)) / 3)]).tocsr()
    chances = []
    for labels in (seen.strong, seen.weak):
        head = LogisticRegression(C=1.0, max_iter=500).fit(x, labels >= 0.5)
        chances.append(head.predict_proba(new)[:, list(head.classes_).index(True)])
    difference: Floats = chances[0] - chances[1]
    return difference


def _surface(table: Table) -> Floats:
    return np.array([[*surface_features(prompt).values()] for prompt in table.prompts])


def cascadeflow_scores(table: Table) -> Floats | None:
    """Complexity by cascadeflow's detector, from trivial to expert; ``None`` if it is not installed."""
    try:
        from cascadeflow.quality.complexity import ComplexityDetector, QueryComplexity
    except ImportError:
        return None
    detector, order = ComplexityDetector(), {level: i for i, level in enumerate(QueryComplexity)}
    return np.array([float(order[detector.detect(prompt)[0]]) for prompt in table.prompts])
