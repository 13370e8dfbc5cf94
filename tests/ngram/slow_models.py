"""The n-gram models as their formulas are written, over dictionaries of strings."""

import math
from collections import Counter, defaultdict

from charlm.ngram.kneser_ney import FALLBACK

ALPHABET = "abcd"


class SlowModel:
    """What both have in common: a character costs what its probability after the longest context says."""

    def costs(self, text):
        places = range(1, len(text))
        return [-math.log(self.probability(text[i], text[max(0, i - self.order) : i])) for i in places]


class SlowWittenBell(SlowModel):
    def __init__(self, training, order):
        self.order = order
        self.followers = defaultdict(Counter)
        for end, character in enumerate(training):
            for length in range(min(order, end) + 1):
                self.followers[training[end - length : end]][character] += 1

    def probability(self, character, context):
        shorter = self.probability(character, context[1:]) if context else 1 / len(ALPHABET)
        followers = self.followers.get(context)
        if followers is None:
            return shorter
        n, t = sum(followers.values()), len(followers)
        return (followers[character] + t * shorter) / (n + t)


class SlowKneserNey(SlowModel):
    def __init__(self, training, order):
        self.order = order
        self.tables, self.discounts = [], []
        for length in range(order + 1):
            if length == order:
                counts = Counter(training[i : i + length + 1] for i in range(len(training) - length))
            else:
                before = defaultdict(set)
                for i in range(1, len(training) - length):
                    before[training[i : i + length + 1]].add(training[i - 1])
                counts = Counter({gram: len(characters) for gram, characters in before.items()})
            self.tables.append(counts)
            self.discounts.append(self.estimate(Counter(counts.values())))

    @staticmethod
    def estimate(n):
        if n[1] and n[2] and n[3]:
            y = n[1] / (n[1] + 2 * n[2])
            d = (1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3])
            if all(discount > 0 for discount in d):
                return d
        return FALLBACK

    def probability(self, character, context):
        shorter = self.probability(character, context[1:]) if context else 1 / len(ALPHABET)
        order = len(context)
        counts = {each: self.tables[order][context + each] for each in ALPHABET}
        total = sum(counts.values())
        if total == 0:
            return shorter
        taken = {each: self.discounts[order][min(n, 3) - 1] if n else 0 for each, n in counts.items()}
        return (counts[character] - taken[character] + sum(taken.values()) * shorter) / total
