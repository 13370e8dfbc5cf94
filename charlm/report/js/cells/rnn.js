// The vanilla recurrent network: h' = f(x W_xh + h W_hh + b_h), with f = tanh or ReLU. Python: charlm/nn/cells/rnn.py.

CELLS["rnn"] = {
  step({ W_hh, nonlinearity }, a_G, h_H) {
    addProduct(a_G, h_H, W_hh);
    return [a_G.map(nonlinearity === "relu" ? (a) => Math.max(a, 0) : Math.tanh)];
  },
};
