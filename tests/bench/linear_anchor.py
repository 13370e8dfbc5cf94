"""A linear classifier of TF-IDF weighted character n-grams, on charlm's own splits: what a network has to beat.

    python tests/bench/linear_anchor.py names/ --seeds 1 2 3 4 5 --python SKLEARN/bin/python

scikit-learn is in an environment of its own, whose Python is named: charlm does not depend on it. Of the
regularization strengths, the one with the fewest errors on the validation split is taken.
"""

import argparse
import json
import subprocess
import sys

import numpy as np

STRENGTHS = (30, 100)  # C: the inverse of the penalty


def fit(splits):
    """Fit on the training split, and measure the two others: accuracy, macro-F1 and nats of each."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score, log_loss

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 5), sublinear_tf=True, lowercase=False)
    features = vectorizer.fit_transform(f"^{text}$" for text in splits["train"]["texts"])
    best = None
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=1000).fit(features, splits["train"]["targets"])
        found = {"C": strength}
        for name in ("val", "test"):
            true = np.array(splits[name]["targets"])
            log_probs = model.predict_proba(vectorizer.transform(f"^{text}$" for text in splits[name]["texts"]))
            given = model.classes_[log_probs.argmax(axis=1)]
            occurring = np.unique(true)
            found[name] = [
                float(accuracy_score(true, given)),
                float(f1_score(true, given, labels=occurring, average="macro")),
                float(log_loss(true, log_probs, labels=model.classes_)),
            ]
        if best is None or found["val"][0] > best["val"][0]:
            best = found
    return best


def splits_of(folder, seed):
    """The three splits of ``charlm train FOLDER --task classify --seed SEED``."""
    from charlm.config import TrainingConfig
    from charlm.data.examples import read_examples
    from charlm.data.reading.sources import find_source
    from charlm.data.split_examples import with_default_split

    config = with_default_split(TrainingConfig.from_settings(task="classify", seed=seed))
    examples = read_examples(find_source([folder], config.corpus.glob), config, None)
    parts = {"train": examples.train, "val": examples.validation, "test": examples.test}
    return {name: {"texts": list(part.texts), "targets": part.targets_D.tolist()} for name, part in parts.items()}


def main():
    """Print a line for each seed, and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--python", required=True, help="a Python with scikit-learn")
    given = parser.parse_args()
    found = []
    for seed in given.seeds:
        asked = json.dumps(splits_of(given.folder, seed))
        command = [given.python, __file__, "--fit"]
        answer = subprocess.run(command, input=asked, text=True, check=True, stdout=subprocess.PIPE).stdout
        found.append(json.loads(answer))
        print(f"seed {seed} (C {found[-1]['C']}): {describe(found[-1]['val'], found[-1]['test'])}", flush=True)
    means = (np.mean([each[name] for each in found], axis=0) for name in ("val", "test"))
    print(f"mean: {describe(*means)}")


def describe(*figures):
    """Figures of the validation split and of the test split."""
    names = zip(("val", "test"), figures, strict=True)
    return "; ".join(
        f"{name} {share:.1%}, macro F1 {f1:.3f}, {nats:.3f} nats" for name, (share, f1, nats) in names
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["--fit"]:
        print(json.dumps(fit(json.load(sys.stdin))))
    else:
        main()
