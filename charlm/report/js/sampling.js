// Sampling: the filters in their order, and the draw (charlm/inference/filters.py).

const FILTERS = {
  // Logits divided by a temperature; 0 keeps the likeliest.
  temperature(logits_V, temperature) {
    const most = highest(logits_V);
    if (temperature > 0) return logits_V.map((logit) => (logit - most) / temperature);
    const best = logits_V.indexOf(most);
    return logits_V.map((_, id) => (id === best ? 0 : -Infinity));
  },
  // Keeps the k likeliest; ties go to the first.
  top_k(logits_V, k) {
    if (!k || k >= logits_V.length) return logits_V;
    return keep(logits_V, ranked(logits_V).slice(0, k));
  },
  // Keeps the fewest likeliest whose probabilities sum to p or more.
  top_p(logits_V, p) {
    if (!p || p >= 1) return logits_V;
    const p_V = logSoftmax(logits_V).map(Math.exp);
    let before = 0;
    return keep(logits_V, ranked(p_V).filter((id) => (before += p_V[id]) - p_V[id] < p));
  },
  // Keeps at least min-p times the likeliest's probability.
  min_p(logits_V, share) {
    if (!share) return logits_V;
    const least = highest(logits_V) + Math.log(share);
    return logits_V.map((logit) => (logit < least ? -Infinity : logit));
  },
};

function highest(logits_V) {
  return logits_V.reduce((one, other) => (one > other ? one : other));
}

function ranked(values_V) {
  return Array.from(values_V.keys()).sort((one, other) => values_V[other] - values_V[one] || one - other);
}

function keep(logits_V, ids) {
  const kept_V = new Float64Array(logits_V.length).fill(-Infinity);
  for (const id of ids) kept_V[id] = logits_V[id];
  return kept_V;
}

// A symbol drawn by a number in [0, 1); settings by the names of the filters; banned is never drawn.
function draw(logits_V, settings, uniform, banned = null) {
  let kept_V = logits_V.slice();
  if (banned !== null) kept_V[banned] = -Infinity;
  for (const [name, filter] of Object.entries(FILTERS)) kept_V = filter(kept_V, settings[name]);
  const p_V = logSoftmax(kept_V).map(Math.exp);
  let threshold = uniform * p_V.reduce((sum, p) => sum + p, 0);
  let last = 0;
  for (let id = 0; id < p_V.length; id++) {
    if (p_V[id] > 0) last = id;
    if ((threshold -= p_V[id]) < 0) return id;
  }
  return last;
}

// A number in [0, 1) for a place of a text: a seed and a counter whose bits are mixed (Steele, Lea & Flood 2014). The
// same seed gives the same text, however often it was stopped.
function uniformAt(seed, place) {
  return mixed(mixed(seed) + Math.imul(place + 1, 0x9e3779b9)) / 2 ** 32;
}

function mixed(number) {
  let bits = Math.imul(number ^ (number >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
}
