"""See how good the names are that a run makes up, beside those that were held out from it.

The run is one of documents that holds out a test part, such as

    charlm train names.txt --lines --split 80/10/10 --minutes 2 --out names
    python tests/bench/names_quality.py names

A name is new if the training part lacks it, unlike if two edits or more (Levenshtein 1966) lie between it and
every name there, and well-formed if it has letters only, a vowel or y, a length that all but 1% of the training
part lie within, and no three neighbours, its edges counted, that the training part lacks. As many test names,
judged alike, show what real ones reach.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable

import numpy as np

from charlm.data.reload import CorpusSearch, reload_corpus
from charlm.inference.language_model import load_run
from charlm.runs.find import find_run

VOWELS = set("aeiouy")
TEMPERATURES = (1.0, 0.8)
ANY = "\0"  # stands for any letter, or for none

Shares = dict[str, float]


def trigrams(name: str) -> set[str]:
    """All three neighbours, the name's edges counted."""
    edged = f"^{name}$"
    return {edged[place : place + 3] for place in range(len(name))}


def one_edit(name: str) -> set[str]:
    """The name with one place left open: two share one if, and only if, one edit at most is between them."""
    return {name[:place] + ANY + name[place + cut :] for place in range(len(name) + 1) for cut in (0, 1)}


def rules_of(training: list[str], held_out: Iterable[str]) -> dict[str, Callable[[str], bool]]:
    """What a name can keep or not, by the training part's names."""
    trained = set(training)
    known = trained.union(held_out)
    near = set[str]().union(*map(one_edit, trained))
    allowed = set[str]().union(*map(trigrams, trained))
    shortest, longest = np.quantile([len(name) for name in training], [0.005, 0.995])

    def is_unlike(name: str) -> bool:
        return near.isdisjoint(one_edit(name))

    def is_well_formed(name: str) -> bool:
        is_spelt = name.isalpha() and not VOWELS.isdisjoint(name.lower())
        return is_spelt and shortest <= len(name) <= longest and allowed.issuperset(trigrams(name))

    return {
        "new": lambda name: name not in trained,
        "in no part": lambda name: name not in known,
        "unlike": is_unlike,
        "well-formed": is_well_formed,
        "unlike and well-formed": lambda name: is_unlike(name) and is_well_formed(name),
    }


def measure(target: str, num: int, seed: int) -> dict[str, Shares]:
    """What share of the test names, and of the samples at each temperature, is distinct and keeps each rule."""
    run = find_run(target)
    corpus = reload_corpus(run.corpus, run.config, run.vocabulary, CorpusSearch(run.folder))
    end = run.config.corpus.document_end
    if end is None or not len(corpus.test):
        raise SystemExit(f"{run.name} has no test part of names: train with --lines --split 80/10/10")
    training, validation, test = (
        part.text.split(end)[:-1] for part in (corpus.train, corpus.validation, corpus.test)
    )
    rules = rules_of(training, validation + test)

    def shares(names: list[str]) -> Shares:
        kept = {rule: sum(map(keeps, names)) / len(names) for rule, keeps in rules.items()}
        return {"distinct": len(set(names)) / len(names)} | kept

    model = load_run(run)
    return {"test names": shares(test[:num])} | {
        f"temperature {temperature:g}": shares(model.samples(num=num, seed=seed, temperature=temperature))
        for temperature in TEMPERATURES
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--num", type=int, default=2000, help="how many names of each kind are judged")
    parser.add_argument("--seed", type=int, default=1, help="of the samples")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    found = measure(asked.run, asked.num, asked.seed)
    if asked.json:
        print(json.dumps(vars(asked) | {"shares": found}))
        return
    rules = list(found["test names"])
    print(f"| {asked.num:,} names |", " | ".join(rules), "|")
    print("| --- |", " | ".join("---" for _ in rules), "|")
    for kind, share in found.items():
        print(f"| {kind} |", " | ".join(f"{share[rule]:.1%}" for rule in rules), "|")


if __name__ == "__main__":
    main()
