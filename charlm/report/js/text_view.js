// A text whose characters have colors, and what is known of the character under the pointer, a finger or the keyboard.

const NAMES = { "\n": "↵", "\t": "⇥", " ": "␣", "\u0004": "end" };

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// A character that prints, or its code point: no control, separator or direction mark reaches the page.
function printable(char) {
  if (char === "\n" || char === "\t") return char;
  if (char === "\u0004") return "␄";
  return /[\p{C}\p{Zl}\p{Zp}]/u.test(char) ? `‹${char.codePointAt(0).toString(16).padStart(4, "0")}›` : char;
}

function label(char) {
  return NAMES[char] || printable(char);
}

function percent(p) {
  return p >= 0.0995 ? `${Math.round(100 * p)}%` : p >= 0.00095 ? `${(100 * p).toFixed(1)}%` : "<0.1%";
}

// Rows of characters with their probabilities as bars; buttons where one can be picked.
function bars(rows, onPick) {
  const list = element("ol", { className: "bars" }), most = Math.max(...rows.map(({ p }) => p));
  for (const { char, p, isActual, id } of rows) {
    const row = element(onPick ? "button" : "div", { className: isActual ? "row actual" : "row" },
      element("span", { className: "char", textContent: label(char) }), element("span", { className: "bar" }),
      element("span", { className: "share", textContent: percent(p) }));
    row.children[1].style.setProperty("--share", p / most);
    if (onPick) {
      row.type = "button";
      row.setAttribute("aria-label", `${label(char)}, ${percent(p)}`);
      row.addEventListener("click", () => onPick(id));
    }
    list.append(element("li", {}, row));
  }
  return list;
}

// One box for all texts: it follows the pointer, and stays open where something can be picked.
const tip = {
  box: element("div", { className: "tip", hidden: true }),
  said: element("div", { className: "unseen" }),
  isPinned: false,
  span: null,

  show(span, { title, rows, onPick }, isPinned) {
    if (!this.box.isConnected) document.body.append(this.box, this.said);
    this.said.setAttribute("aria-live", "polite");
    this.isPinned = isPinned;
    this.span = span;
    this.box.replaceChildren(element("p", { textContent: title }), bars(rows, isPinned ? onPick : null));
    this.box.classList.toggle("pinned", isPinned);
    this.box.hidden = false;
    this.place();
    this.said.textContent = [title, ...rows.slice(0, 5).map(({ char, p }) => `${label(char)} ${percent(p)}`)].join("; ");
    if (isPinned && onPick) this.box.querySelector("button")?.focus({ preventScroll: true });
  },

  // Puts the box below its character, also after the text was scrolled.
  place() {
    if (this.box.hidden) return;
    const place = this.span.getBoundingClientRect(), width = document.documentElement.clientWidth;
    const left = Math.max(8, Math.min(place.left - 16, width - this.box.offsetWidth - 8));
    this.box.style.left = `${left + scrollX}px`;
    this.box.style.top = `${place.bottom + 6 + scrollY}px`;
  },

  hide(evenPinned = false) {
    if (evenPinned || !this.isPinned) {
      if (this.box.contains(document.activeElement)) this.span.parentElement?.focus({ preventScroll: true });
      this.box.hidden = true;
      this.isPinned = false;
    }
  },
};

addEventListener("keydown", (event) => event.key === "Escape" && tip.hide(true));
addEventListener("pointerdown", (event) => {
  if (!tip.box.contains(event.target) && !event.target.closest?.(".text")) tip.hide(true);
});

class TextView {
  // describe(i) gives the title, the rows and perhaps onPick of character i.
  constructor(box, describe) {
    Object.assign(this, { box, describe, spans: [], focused: 0 });
    box.classList.add("text");
    box.tabIndex = 0;
    box.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.point(event, false));
    box.addEventListener("pointerleave", () => tip.hide());
    box.addEventListener("click", (event) => this.point(event, true));
    box.addEventListener("keydown", (event) => this.press(event));
    box.addEventListener("scroll", () => tip.place());
    box.addEventListener("blur", () => {
      this.spans[this.focused]?.classList.remove("focus");
      tip.hide();
    });
  }

  point(event, isPinned) {
    const place = event.target.place;
    if (place === undefined || (tip.isPinned && !isPinned)) return;
    this.focused = place;
    tip.show(event.target, this.describe(place), isPinned);
  }

  press(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 20, ArrowUp: -20 }[event.key];
    if (step === undefined && event.key !== "Enter") return;
    event.preventDefault();
    this.spans[this.focused]?.classList.remove("focus");
    this.focused = Math.max(0, Math.min(this.spans.length - 1, this.focused + (step || 0)));
    const span = this.spans[this.focused];
    span?.classList.add("focus");
    span?.scrollIntoView({ block: "nearest" });
    if (span) tip.show(span, this.describe(this.focused), event.key === "Enter");
  }

  // Shows count characters: those before from stay as they are. look(i) gives a character's text, classes and color.
  draw(count, look, from = 0) {
    while (this.spans.length > count) this.spans.pop().remove();
    const fresh = document.createDocumentFragment();
    for (let place = from; place < count; place++) {
      const span = this.spans[place] || (this.spans[place] = fresh.appendChild(element("span", { place })));
      const { text, className, color } = look(place);
      if (span.textContent !== text) span.textContent = text;
      if (span.className !== className) span.className = className;
      span.style.background = color || "";
    }
    this.box.append(fresh);
  }
}

// The level of a color: whole bits, up to 8.
function level(bits) {
  return bits === null ? "" : `l${Math.min(8, Math.floor(bits))}`;
}
