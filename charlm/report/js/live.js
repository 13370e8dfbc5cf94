// A model that runs in the page: it reads what is typed, colors it, writes on, and shows its units.

const LIMIT = 4000, FRAME = 24; // characters of a text; milliseconds of work between two pictures

class LiveModel {
  constructor(data, page) {
    Object.assign(this, { data, page, network: new Network(data.model), items: [], prompted: 0, left: 0, unit: null });
    this.ids = new Map(data.model.symbols.map((symbol, id) => [symbol, id]));
    this.isBusy = false;
    this.restart();
  }

  // Numbers of a prompt's symbols; null for one that the model does not know.
  encode(text) {
    const { units, unknown, end, document_end, lowercase, normalize } = this.data.model;
    if (lowercase) text = text.toLowerCase();
    if (normalize !== "none") text = text.normalize(normalize.toUpperCase());
    let chars = Array.from(text);
    if (units === "bytes") chars = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte));
    return chars.map((char) => {
      if (char === document_end) return { id: end, char };
      const id = this.ids.get(char);
      return { id: id === undefined ? unknown : id, char };
    });
  }

  // The character that shows a symbol.
  charOf(id) {
    const { symbols, end, document_end } = this.data.model;
    if (id === end) return document_end === "\n" ? "\n" : "\u0004";
    return id < symbols.length ? symbols[id] : "\ufffd";
  }

  // Before a text without a context, the model reads the start symbol.
  restart() {
    const { start, end } = this.data.model;
    this.hasLead = end !== null || this.prompted === 0;
    this.items.length = 0;
    this.states = [this.hasLead ? this.network.step(this.network.begin(), start) : null];
  }

  setPrompt(text) {
    const wanted = this.encode(text).slice(0, LIMIT);
    const wasEmpty = this.prompted === 0;
    let same = 0;
    while (same < Math.min(wanted.length, this.prompted) && wanted[same].char === this.items[same].char) same++;
    this.prompted = wanted.length;
    if (wasEmpty !== (wanted.length === 0)) {
      this.restart();
      same = 0;
    }
    this.cut(same);
    this.prompted = wanted.length;
    this.items.push(...wanted.slice(same));
    this.left = 0;
    this.work();
  }

  // Forgets what comes from a place on.
  cut(place) {
    this.items.length = place;
    this.states.length = Math.min(this.states.length, place + 1);
    this.prompted = Math.min(this.prompted, place);
    this.drawn = Math.min(this.drawn || 0, place);
  }

  add(id, bits = undefined) {
    if (this.items.length < LIMIT) this.items.push({ id, char: this.charOf(id), bits });
  }

  // Reads the next character that has not been read: its bits, unless it was drawn with them, and the state after it.
  readNext() {
    const place = this.states.length - 1, item = this.items[place], state = this.states[place];
    if (item.bits === undefined) {
      item.bits = state && item.id !== null ? -this.network.logProbs(state)[item.id] / Math.LN2 : null;
    }
    this.states.push(item.id === null ? state : this.network.step(state || this.network.begin(), item.id));
  }

  // Writes one more character.
  writeNext() {
    const place = this.items.length, logProbs_V = this.network.logProbs(this.states[place]);
    const settings = this.page.settings(), uniform = uniformAt(settings.seed, place - this.prompted);
    const id = draw(logProbs_V, settings, uniform, this.data.model.unknown);
    this.add(id, -logProbs_V[id] / Math.LN2);
    this.left--;
  }

  isRead() {
    return this.states.length > this.items.length;
  }

  // Reads and writes as long as a picture of the screen lasts, draws, and comes back for the rest.
  work() {
    const stop = performance.now() + FRAME;
    while (performance.now() < stop) {
      if (!this.isRead()) this.readNext();
      else if (this.left > 0 && this.items.length < LIMIT && this.states[this.items.length]) this.writeNext();
      else break;
    }
    const isDone = this.isRead() && (this.left <= 0 || this.items.length >= LIMIT);
    if (isDone) this.left = 0;
    this.draw?.(isDone);
    if (!isDone && !this.isBusy) {
      this.isBusy = true;
      requestAnimationFrame(() => {
        this.isBusy = false;
        this.work();
      });
    }
  }

  // The likeliest symbols at a place of the text.
  likeliest(place, count = 10) {
    const state = this.states[place];
    if (!state) return [];
    const p_V = this.network.logProbs(state).map(Math.exp);
    return ranked(p_V).slice(0, count).map((id) => ({ id, char: this.charOf(id), p: p_V[id] }));
  }

  // The chosen unit after a character, from -1 to 1: h, or tanh(c).
  unitAt(place) {
    const state = this.states[place + 1], { hidden, states } = this.network;
    if (!state) return 0;
    const variable = Math.floor(this.unit / hidden), layer = Math.floor(variable / states.length);
    const value = state[layer][variable % states.length][this.unit % hidden];
    return states[variable % states.length] === "h" ? Math.max(-1, Math.min(1, value)) : Math.tanh(value);
  }

  // The text before a place.
  textBefore(place) {
    const chars = this.items.slice(0, place).map(({ char }) => char);
    if (this.data.model.units !== "bytes") return chars.join("");
    return new TextDecoder().decode(Uint8Array.from(chars, (char) => char.charCodeAt(0) & 255));
  }

  // What a place of the text shows. A character of several bytes stands at its first byte.
  glyph(place) {
    const { char } = this.items[place];
    if (this.data.model.units !== "bytes" || char < "\x80") return printable(char);
    let first = place;
    while (first > place - 3 && first > 0 && (this.items[first].char.charCodeAt(0) & 0xc0) === 0x80) first--;
    for (let length = 2; length <= 4 && first + length <= this.items.length; length++) {
      const bytes = this.items.slice(first, first + length).map((item) => item.char.charCodeAt(0));
      try {
        const decoded = new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
        if (place < first + length) return place === first ? printable(decoded) : "";
      } catch { /* not the whole of a character */ }
    }
    return `‹${char.charCodeAt(0).toString(16)}›`;
  }
}
