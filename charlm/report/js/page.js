// The page: its colored texts, and its live models with their controls.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

function settings() {
  const numbers = ["temperature", "top_k", "top_p", "min_p", "seed"].map((name) => [name, Number(byId(name).value)]);
  return Object.fromEntries(numbers);
}

// A model's column: the text, the likeliest next characters, and its units.
class Column {
  constructor(run, box, page) {
    this.live = new LiveModel(run, { settings });
    this.page = page;
    this.text = element("div");
    this.text.setAttribute("role", "group");
    this.text.setAttribute("aria-label", `Text read by ${run.name}: arrow keys move, Enter shows what else could have come`);
    this.status = element("p", { className: "status" });
    this.next = element("div", { className: "next" });
    if (data.runs.length > 1) box.append(element("h3", { textContent: run.name }));
    box.append(this.text, this.status, element("h4", { textContent: "Likeliest next characters" }), this.next);
    this.view = new TextView(this.text, (place) => this.describe(place));
    if (run.units) box.append(this.unitButtons(run.units));
    this.live.draw = (isDone) => this.draw(isDone);
    this.drawn = 0;
  }

  describe(place) {
    const { bits, char, id } = this.live.items[place];
    const share = bits === null || bits === undefined ? "not predicted" : `${bits.toFixed(1)} bits, ${percent(2 ** -bits)}`;
    const rows = this.live.likeliest(place).map((row) => ({ ...row, isActual: row.id === id }));
    return { title: `${label(char)}: ${share}`, rows, onPick: (picked) => this.branch(place, picked) };
  }

  // Goes on from a place with another character, and writes as much as was there before.
  branch(place, id) {
    const written = this.live.items.length - place - 1;
    tip.hide(true);
    if (place < this.live.prompted) this.page.shorten(this.live.textBefore(place));
    this.live.cut(place);
    this.live.add(id);
    this.live.left = written > 0 && place >= this.live.prompted ? written : 0;
    this.drawn = Math.min(this.drawn, place);
    this.live.work();
  }

  draw(isDone) {
    const { live } = this, count = live.states.length - 1;
    // Of a character of several bytes the first byte changes when the last has come.
    const from = Math.max(0, Math.min(this.drawn, live.drawn ?? 0, count) - 3);
    this.view.draw(count, (place) => this.look(place), from);
    this.drawn = live.drawn = count;
    if (!isDone) return;
    const bits = live.items.map((item) => item.bits).filter((each) => each !== null);
    const mean = bits.length ? `, ${(bits.reduce((sum, each) => sum + each, 0) / bits.length).toFixed(2)} bits/char` : "";
    const unknown = live.items.filter(({ id }) => id === null).length;
    const strange = unknown ? `; ${unknown} unknown to the model and not read` : "";
    this.status.textContent = `${live.items.length} characters${mean}${strange}`;
    this.next.replaceChildren(bars(live.likeliest(count), (id) => this.branch(count, id)));
    this.page.refresh();
  }

  look(place) {
    const { live } = this, item = live.items[place];
    const classes = [place < live.prompted ? "prompt" : "", item.char === "\n" ? "line" : "", item.id === null ? "strange" : ""];
    if (live.unit === null) classes.push(level(item.bits ?? null));
    const value = live.unit === null ? 0 : live.unitAt(place);
    const color = value && `rgba(${value > 0 ? "235, 120, 0" : "30, 120, 230"}, calc(var(--most) * ${Math.abs(value).toFixed(2)}))`;
    return { text: live.glyph(place), className: classes.filter(Boolean).join(" "), color };
  }

  repaint() {
    this.view.draw(this.live.states.length - 1, (place) => this.look(place));
  }

  // Buttons for the units that follow something, the best first, and a number for any other.
  unitButtons({ names, properties }) {
    const choose = (unit) => {
      this.live.unit = unit;
      for (const each of box.querySelectorAll("button")) each.setAttribute("aria-pressed", String(each.unit === unit));
      this.repaint();
    };
    const button = (unit, text) => {
      const made = element("button", { type: "button", unit, textContent: text, onclick: () => choose(unit) });
      made.setAttribute("aria-pressed", String(unit === null));
      return made;
    };
    const any = element("input", { type: "number", min: 1, max: names.length, placeholder: "number" });
    any.addEventListener("input", () => names[any.value - 1] !== undefined && choose(any.value - 1));
    const box = element("div", { className: "units" }, element("h4", { textContent: "Color the text by" }),
      element("div", { className: "chips" }, button(null, "surprisal")),
      element("p", { className: "hint" }, "or by one hidden unit, from ", element("b", { className: "minus", textContent: "-1" }),
        " to ", element("b", { className: "plus", textContent: "1" }),
        ". These follow something in the text; the number says how well: 0.5 is chance, 0 and 1 are certain (AUC); " +
        "for the position, 0 is chance, -1 and 1 are certain (a correlation)."));
    for (const { name, best } of properties) {
      const chips = best.map(({ unit, score }) => button(unit, `${names[unit]} · ${score.toFixed(2)}`));
      box.append(element("div", { className: "chips" }, element("span", { textContent: name }), ...chips));
    }
    box.append(element("label", { className: "chips" }, element("span", { textContent: `any unit, 1 to ${names.length}` }), any));
    return box;
  }
}

function startLive() {
  const runs = data.runs.filter((run) => run.model), prompt = byId("prompt");
  const page = {
    refresh: () => (byId("write").textContent = columns.some(({ live }) => live.left > 0) ? "Stop" : "Write"),
    shorten: (text) => {
      prompt.value = text;
      read();
    },
  };
  const columns = runs.map((run) => new Column(run, byId("columns").appendChild(element("div", { className: "column" })), page));
  const read = () => columns.forEach(({ live }) => live.setPrompt(prompt.value));
  const write = () => {
    const isWriting = columns.some(({ live }) => live.left > 0);
    for (const { live } of columns) {
      live.left = isWriting ? 0 : Math.max(1, Number(byId("length").value) || 1);
      live.work();
    }
    page.refresh();
  };
  const again = () => {
    byId("seed").value = Number(byId("seed").value) + 1;
    for (const { live } of columns) {
      live.cut(live.prompted);
      live.left = 0;
    }
    write();
  };
  prompt.addEventListener("input", read);
  byId("write").addEventListener("click", write);
  byId("again").addEventListener("click", again);
  byId("example")?.addEventListener("click", () => {
    prompt.value = data.example;
    read();
  });
  for (const name of ["temperature", "top_p", "min_p"]) {
    byId(name).addEventListener("input", () => (byId(`${name}_shown`).textContent = Number(byId(name).value).toFixed(2)));
  }
  read();
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) write();
  globalThis.charlm = { columns, models: columns.map(({ live }) => live) }; // for a browser's console
}

for (const each of data.colored) showColored(byId(each.place), each);
if (byId("columns")) startLive();
