"""Sources of text whose every character has a known probability, so that no model can honestly beat them."""

from dataclasses import dataclass

import numpy as np

PAIRS = ("()", "[]")


@dataclass(frozen=True)
class Text:
    """A drawn text, and what each of its characters after the first cost its own source, in nats."""

    characters: str
    costs_nats: np.ndarray


class MarkovChain:
    """A chain of some order: each context of that many symbols has a row of probabilities, from a Dirichlet."""

    def __init__(self, order, symbols, seed):
        self.symbols = symbols
        rows = np.random.default_rng(seed).dirichlet(np.full(len(symbols), 0.6), len(symbols) ** order)
        # A symbol of almost no probability would cost a lot and hardly ever be met.
        self.rows = 0.97 * rows + 0.03 / len(symbols)

    def draw(self, length, seed):
        """A text of the chain, which before its first symbol stands in its first context."""
        rng = np.random.default_rng(seed)
        cumulative = self.rows.cumsum(axis=1)
        codes, costs, context = [], [], 0
        for uniform in rng.random(length):
            code = min(int(np.searchsorted(cumulative[context], uniform, side="right")), len(self.symbols) - 1)
            codes.append(code)
            costs.append(-np.log(self.rows[context, code]))
            context = (context * len(self.symbols) + code) % len(self.rows)
        return Text("".join(self.symbols[code] for code in codes), np.array(costs[1:]))

    @property
    def entropy_rate_nats(self):
        """The mean entropy of the rows, weighted by how often the chain is in each context in the long run."""
        contexts = len(self.rows)
        transition = np.zeros((contexts, contexts))
        for context, row in enumerate(self.rows):
            for code, probability in enumerate(row):
                transition[context, (context * len(row) + code) % contexts] += probability
        stationary = np.linalg.matrix_power(transition, 1000)[0]
        return float(-(stationary[:, None] * self.rows * np.log(self.rows)).sum())


class Brackets:
    """Nested brackets of two kinds: a stack of at most ``depth``, opened with a probability of each height.

    On an empty stack a bracket is opened for certain, on a full one closed for certain; which bracket closes is
    what the stack says, so whoever forgets the stack pays for it.
    """

    def __init__(self, opening, skew):
        """Open with probability ``opening[h]`` on a stack of height h, the first kind with ``skew``."""
        self.opening = (*opening, 0.0)
        self.skew = skew

    def draw(self, length, seed):
        """A text of the language, from an empty stack."""
        characters, costs, stack = [], [], []
        for opens, kind in np.random.default_rng(seed).random((length, 2)):
            probability = self.opening[len(stack)]
            if opens < probability:
                chosen = int(kind >= self.skew)
                probability *= 1 - self.skew if chosen else self.skew
                stack.append(chosen)
                characters.append(PAIRS[chosen][0])
            else:
                probability = 1 - probability
                characters.append(PAIRS[stack.pop()][1])
            costs.append(-np.log(probability))
        return Text("".join(characters), np.array(costs[1:]))
