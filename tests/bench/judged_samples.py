"""How many samples of a label an independent classifier takes for that label, beside real texts.

    python tests/bench/judged_samples.py RUN CLASSIFIER --temperature 1 0.7 0.5

RUN was trained with ``--lines --labels``, CLASSIFIER with ``--task classify``, both on the same corpus with the
same seed, so that neither has seen the other's test split. Shares are means over labels. Real texts are from the
test split; ``known`` is the share of samples that stand in the training split.
"""

import argparse

import numpy as np

from charlm.data.reload import CorpusSearch
from charlm.inference.conditioned import load_model
from charlm.runs.find import find_run
from charlm.tasks.text_classifier import open_classifier
from charlm.tasks.whole_texts import reload_examples


def share_right(classifier, by_label):
    """The mean over labels of the share of texts that are given their label."""
    shares = [
        np.mean([found.label == label for found in classifier.classify(texts)])
        for label, texts in by_label.items()
        if texts
    ]
    return float(np.mean(shares))


def main():
    """Print a line for real texts and for each temperature."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("classifier")
    parser.add_argument("--temperature", type=float, nargs="+", default=[1.0, 0.7, 0.5])
    parser.add_argument("--num", type=int, default=200, help="samples of each label")
    given = parser.parse_args()
    run = find_run(given.run)
    model, judge = load_model(run), open_classifier(find_run(given.classifier))
    examples = reload_examples(run.corpus, run.config, run.vocabulary, CorpusSearch(run.folder))
    labels, training = model.labels, set(examples.train.texts)
    real = {label: [] for label in labels}
    for text, target in zip(examples.test.texts, examples.test.targets_D.tolist(), strict=True):
        real[labels[target]].append(text)
    print(f"real test texts: {share_right(judge, real):.1%} judged right")
    for temperature in given.temperature:
        drawn = {
            label: model.samples(given.num, label=label, temperature=temperature, len=100) for label in labels
        }
        known = np.mean([text in training for texts in drawn.values() for text in texts])
        right = share_right(judge, drawn)
        print(f"temperature {temperature:g}: {right:.1%} judged as their label, {known:.1%} known")


if __name__ == "__main__":
    main()
