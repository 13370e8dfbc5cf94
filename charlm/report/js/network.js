// The network: embedding, layers, output layer (charlm/models/char_rnn.py, charlm/nn/stack.py, charlm/nn/readout.py).
// A cell is a file of cells/, with the name and the equations of its file in charlm/nn/cells.

const CELLS = {};

class Network {
  // data: cell, own (its settings), gates, states (names), layers, hidden, vocab_size, residual, half,
  // output_parts (ids from, to; of an adaptive softmax), arrays (name -> {shape, values in base64}).
  constructor(data) {
    Object.assign(this, data);
    this.cell = CELLS[data.cell];
    this.params = {};
    for (const [name, { shape, values }] of Object.entries(data.arrays)) {
      const numbers = decode(values, data.half);
      const isMatrix = shape.length === 2 && name !== "embedding";
      this.params[name] = isMatrix ? matrix(...shape, (i, j) => numbers[i * shape[1] + j]) : numbers;
    }
    this.parts = Array.from({ length: this.layers }, (_, layer) => this.part(layer));
    this.table_VG = this.inputTable();
    this.readout = this.params["readout.W_hy"] || this.tied();
  }

  // A layer's parameters by their own names.
  part(layer) {
    const prefix = `layers.${layer}.`, own = { ...this.own };
    for (const name in this.params) if (name.startsWith(prefix)) own[name.slice(prefix.length)] = this.params[name];
    return own;
  }

  // Every symbol's pre-activations: W_xh's row for one-hot input, else its embedding @ W_xh; and the bias.
  inputTable() {
    const { W_xh, b_h } = this.parts[0], E = this.params.embedding;
    return Array.from({ length: this.vocab_size }, (_, id) => {
      const a_G = Float64Array.from(b_h);
      if (E) return addProduct(a_G, E.subarray(id * W_xh.rows, (id + 1) * W_xh.rows), W_xh);
      return a_G.map((value, j) => value + W_xh.W[packed(W_xh.rows, id, j)]);
    });
  }

  // The embedding as the output layer's weights (Press & Wolf 2017): its rows are the columns of W_hy.
  tied() {
    const E = this.parts[0].W_xh.rows;
    return matrix(E, this.vocab_size, (i, j) => this.params.embedding[j * E + i]);
  }

  // Each layer's variables before the first character: learned, or zero.
  begin() {
    return this.parts.map((part) =>
      this.states.map((name) => Float64Array.from(part[`${name}_0`] || new Float64Array(this.hidden))));
  }

  // Reads one symbol: the state after it. A document starts from the initial state.
  step(state, id) {
    if (id === this.end) state = this.begin();
    const after = [];
    let x_H = null;
    this.parts.forEach((part, layer) => {
      const a_G = layer === 0 ? this.table_VG[id].slice() : addProduct(part.b_h.slice(), x_H, part.W_xh);
      const next = this.cell.step(part, a_G, ...state[layer]);
      x_H = this.residual && layer > 0 ? x_H.map((value, i) => value + next[0][i]) : next[0];
      after.push(next);
    });
    return after;
  }

  // The log-probability of each symbol after a state, in nats.
  logProbs(state) {
    const W_he = this.params["readout.W_he"], h_H = this.output(state);
    const z_E = W_he ? addProduct(new Float64Array(W_he.columns), h_H, W_he) : h_H;
    const logits_V = addProduct(this.params["readout.b_y"].slice(), z_E, this.readout), W_c = this.params["readout.W_c"];
    return W_c ? this.joinClusters(logits_V, addProduct(this.params["readout.b_c"].slice(), z_E, W_c)) : logSoftmax(logits_V);
  }

  // The log-probabilities of an adaptive softmax (Grave et al. 2017), from logits of symbols and of clusters.
  joinClusters(logits_V, clusters_C) {
    const [[, stop], ...others] = this.output_parts;
    const first = logSoftmax(Float64Array.of(...logits_V.subarray(0, stop), ...clusters_C));
    logits_V.set(first.subarray(0, stop));
    others.forEach(([from, to], c) =>
      logits_V.set(logSoftmax(logits_V.slice(from, to)).map((value) => value + first[stop + c]), from));
    return logits_V;
  }

  // The last layer's h; with residual connections, the sum of all layers'.
  output(state) {
    if (!this.residual) return state[state.length - 1][0];
    return state[0][0].map((_, i) => state.reduce((sum, [h_H]) => sum + h_H[i], 0));
  }
}
