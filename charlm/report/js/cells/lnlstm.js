// The layer-normalized LSTM. Python: charlm/nn/cells/lnlstm.py.
//   a = LN(h W_hh) * gain_h + LN(x W_xh + b) * gain_x + bias
//   o, i, f = sigmoid(a), g = tanh(a), one block each
//   c' = f * c + i * g                                      h' = o * tanh(LN(c') * gain_c + bias_c)

// (z - mean(z)) / sqrt(var(z) + 1e-5). Python: charlm/nn/layer_norm.py.
function normalize(z_X) {
  const mean = z_X.reduce((sum, z) => sum + z, 0) / z_X.length;
  const variance = z_X.reduce((sum, z) => sum + (z - mean) ** 2, 0) / z_X.length;
  return z_X.map((z) => (z - mean) / Math.sqrt(variance + 1e-5));
}

CELLS["lnlstm"] = {
  step({ W_hh, gain_h, gain_x, gain_c, bias, bias_c }, a_G, h_H, c_H) {
    const h_G = normalize(addProduct(new Float64Array(a_G.length), h_H, W_hh)), x_G = normalize(a_G);
    a_G = a_G.map((_, k) => h_G[k] * gain_h[k] + x_G[k] * gain_x[k] + bias[k]);
    const after_H = updateMemory(a_G, c_H), n_H = normalize(after_H);
    return [n_H.map((n, k) => sigmoid(a_G[k]) * Math.tanh(n * gain_c[k] + bias_c[k])), after_H];
  },
};
