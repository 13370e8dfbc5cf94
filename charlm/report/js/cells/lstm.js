// The long short-term memory with a forget gate. Python: charlm/nn/cells/lstm.py.
//   o, i, f = sigmoid(x W_xh + h W_hh + b), one block each        g = tanh(x W_xh + h W_hh + b)
//   c' = f * c + i * g                                            h' = o * tanh(c')

CELLS["lstm"] = {
  step({ W_hh }, a_G, h_H, c_H) {
    return lstmStep(addProduct(a_G, h_H, W_hh), c_H);
  },
};
