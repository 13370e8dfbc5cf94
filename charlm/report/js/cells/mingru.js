// The minimal gated recurrent unit. Python: charlm/nn/cells/mingru.py.
//   z = sigmoid(x W_xh + b), h~ = x W_xh + b, one block each        h' = (1 - z) * h + z * h~

CELLS["mingru"] = {
  step(_, a_G, h_H) {
    return [h_H.map((h, i) => {
      const z = sigmoid(a_G[i]);
      return (1 - z) * h + z * a_G[h_H.length + i];
    })];
  },
};
