"""The n-gram models as their formulas are written, over dictionaries of strings."""

import math
from collections import Counter, defaultdict

from charlm.models.ngram.kneser_ney import FALLBACK

ALPHABET = "abcd"


class SlowModel:
    """What both have in common: a character costs what its probability after the longest context says.

    Of documents ``end`` comes before and after each, and is the first character of a context or none of it.
    """

    end = None

    def nll(self, text):
        places = range(1, len(text))
        return [-math.log(self.probability(text[i], self.context(text, i, self.order))) for i in places]

    def context(self, text, place, length):
        before = text[max(0, place - length) : place]
        return before[max(0, before.rfind(self.end)) :] if self.end is not None else before


class SlowWittenBell(SlowModel):
    def __init__(self, training, order, end=None):
        self.order, self.end = order, end
        self.followers = defaultdict(Counter)
        for place, character in enumerate(training):
            for length in range(len(self.context(training, place, order)) + 1):
                self.followers[training[place - length : place]][character] += 1

    def probability(self, character, context):
        shorter = self.probability(character, context[1:]) if context else 1 / len(ALPHABET)
        followers = self.followers.get(context)
        if followers is None:
            return shorter
        n, t = sum(followers.values()), len(followers)
        return (followers[character] + t * shorter) / (n + t)


class SlowKneserNey(SlowModel):
    def __init__(self, training, order, end=None):
        self.order, self.end = order, end
        self.tables, self.discounts = [], []
        for length in range(order + 1):
            ends = [i for i in range(length, len(training)) if len(self.context(training, i, length)) == length]
            occurrences = Counter(training[i - length : i + 1] for i in ends)
            before = defaultdict(set)
            for i in ends:
                if i > length and not (length and training[i - length] == end):
                    before[training[i - length : i + 1]].add(training[i - length - 1])
            begins = {gram: n for gram, n in occurrences.items() if length and gram[0] == end}
            places = {gram: len(characters) for gram, characters in before.items()}
            counts = occurrences if length == order else Counter(places | begins)
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
