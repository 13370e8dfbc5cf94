// The multiplicative LSTM: the recurrent weights depend on the current character. Python: charlm/nn/cells/mlstm.py.
//   m = (x W_xh + b) * (h W_hh)                                   one block of each product
//   o, i, f = sigmoid(x W_xh + m W_hh + b), one block each        g = tanh(x W_xh + m W_hh + b)
//   c' = f * c + i * g                                            h' = o * tanh(c')

CELLS["mlstm"] = {
  step({ W_hh }, a_G, h_H, c_H) {
    const H = h_H.length;
    const product_H = addProduct(new Float64Array(H), h_H, W_hh);
    addProduct(a_G, product_H.map((product, i) => a_G[i] * product), W_hh, H);
    return lstmStep(a_G.subarray(H), c_H);
  },
};
