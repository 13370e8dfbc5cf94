// The gated recurrent unit. Python: charlm/nn/cells/gru.py.
//   r, z = sigmoid(x W_xh + h W_hh + b), one block each        n = tanh(x W_xh + (r * h) W_hh + b)
//   h' = z * h + (1 - z) * n                                   z keeps the old state
// With reset_after: n = tanh(x W_xh + b + r * (h W_hh + b_hn))

CELLS["gru"] = {
  step({ W_hh, b_hn, reset_after }, a_G, h_H) {
    const H = h_H.length;
    const [r_H, z_H, n_H] = [0, 1, 2].map((block) => a_G.subarray(block * H, (block + 1) * H));
    addProduct(a_G, h_H, W_hh, 0, 2 * H);
    for (let i = 0; i < 2 * H; i++) a_G[i] = sigmoid(a_G[i]);
    if (reset_after) {
      const inner_G = new Float64Array(3 * H);
      addProduct(inner_G, h_H, W_hh, 2 * H);
      for (let i = 0; i < H; i++) n_H[i] += r_H[i] * (inner_G[2 * H + i] + b_hn[i]);
    } else {
      addProduct(a_G, h_H.map((h, i) => r_H[i] * h), W_hh, 2 * H);
    }
    return [h_H.map((h, i) => z_H[i] * h + (1 - z_H[i]) * Math.tanh(n_H[i]))];
  },
};
