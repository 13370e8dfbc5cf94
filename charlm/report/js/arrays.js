// Arrays of numbers, in float64. Names end in their axes, as in charlm: h_H, a_G, W_hh of shape [H, G].

// Numbers of an array in the page: base64 of little-endian float32 or float16.
function decode(text, isHalf) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  if (!isHalf) return Float64Array.from(new Float32Array(bytes.buffer));
  return Float64Array.from(new Uint16Array(bytes.buffer), fromHalf);
}

// The value of a float16: a sign, 5 bits of exponent, 10 of fraction (IEEE 754).
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

// A matrix for products from the left, x @ W, packed for speed: eight columns lie side by side, row by row, so that a
// product reads memory in order and has eight sums under way at once.
function matrix(rows, columns, valueAt) {
  const W = new Float64Array(rows * Math.ceil(columns / 8) * 8);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) W[packed(rows, i, j)] = valueAt(i, j);
  return { W, rows, columns };
}

function packed(rows, i, j) {
  return (j - (j & 7)) * rows + 8 * i + (j & 7);
}

// Adds x @ W to some columns of out.
function addProduct(out, x, { W, rows }, from = 0, to = out.length) {
  const first = Math.min(to, (from + 7) & ~7), last = Math.max(first, to & ~7);
  for (let j = first; j < last; j += 8) {
    let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (let i = 0, k = j * rows; i < rows; i++, k += 8) {
      const value = x[i];
      a += value * W[k]; b += value * W[k + 1]; c += value * W[k + 2]; d += value * W[k + 3];
      e += value * W[k + 4]; f += value * W[k + 5]; g += value * W[k + 6]; h += value * W[k + 7];
    }
    out[j] += a; out[j + 1] += b; out[j + 2] += c; out[j + 3] += d;
    out[j + 4] += e; out[j + 5] += f; out[j + 6] += g; out[j + 7] += h;
  }
  for (let j = from; j < to; j++) {
    if (j >= first && j < last) j = last; // the columns before the first eight, and after the last
    if (j < to) for (let i = 0; i < rows; i++) out[j] += x[i] * W[packed(rows, i, j)];
  }
  return out;
}

function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}

// Logits to log-probabilities, in nats.
function logSoftmax(logits_V) {
  let most = -Infinity, sum = 0;
  for (const value of logits_V) if (value > most) most = value;
  for (const value of logits_V) sum += Math.exp(value - most);
  const shift = most + Math.log(sum);
  return logits_V.map((value) => value - shift);
}
