// What the LSTM cells share. Python: charlm/nn/lstm_gates.py.
//   o, i, f = sigmoid(a), g = tanh(a), one block each        c' = f * c + i * g

function updateMemory(a_G, c_H) {
  const H = c_H.length, after_H = new Float64Array(H);
  for (let k = 0; k < H; k++) {
    after_H[k] = sigmoid(a_G[2 * H + k]) * c_H[k] + sigmoid(a_G[H + k]) * Math.tanh(a_G[3 * H + k]);
  }
  return after_H;
}

// h' = o * tanh(c')
function lstmStep(a_G, c_H) {
  const after_H = updateMemory(a_G, c_H);
  return [after_H.map((c, k) => sigmoid(a_G[k]) * Math.tanh(c)), after_H];
}
