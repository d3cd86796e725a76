// What curators do, shared by Review and Gallery: one action at a time to the server, windows that ask, and undo;
// and what their two pages have in common.

const ASK_ABOVE = 100; // faces; the server asks too
const UNDO_OF_A_RULE = { by: "decide_undo" };

function classColour(name) {
  const place = setup.classes.indexOf(name);
  return place < 0 ? "var(--line-strong)" : `var(--class-${place % 9})`;
}

function keyCap(key) {
  return node("kbd", { "aria-hidden": "true" }, String(key));
}

// A message that goes by itself, with a button where there is something to do about it.
class Toast {
  constructor(root) {
    this.box = node("div", { class: "mq-toast mq-action-toast", role: "status", hidden: true });
    root.append(this.box);
  }

  say(text, { button = "", act = null, stay_ms = 6000 } = {}) {
    const parts = [node("span", {}, text)];
    if (button) parts.push(node("button", { type: "button", onclick: () => (this.hide(), act()) }, button));
    this.box.replaceChildren(...parts);
    this.box.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.hide(), stay_ms);
  }

  hide() {
    this.box.hidden = true;
  }
}

// A window with a question; `ask` gives what was chosen, or null. Digits choose among its buttons.
class Asker {
  constructor(root) {
    this.frame = node("dialog", { class: "mq-dialog mq-action-dialog", "aria-labelledby": "mq-action-title" });
    root.append(this.frame);
    this.frame.addEventListener("click", (event) => event.target === this.frame && this.frame.close());
    this.frame.addEventListener("close", () => this.settle(null));
    this.frame.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (this.frame.matches(".is-picture")) return this.settle(null);
      const digit = !event.target.matches("input:not([type=radio], [type=checkbox])") && /^[1-9]$/.exec(Keys.sign(event))?.[0];
      const button = digit && this.frame.querySelectorAll("[data-choice]")[digit - 1];
      if (button) (event.preventDefault(), button.click());
    });
  }

  get open() {
    return this.frame.open;
  }

  ask(title, ...body) {
    this.frame.classList.remove("is-picture");
    this.frame.replaceChildren(...(title ? [node("h2", { id: "mq-action-title", tabIndex: -1 }, title)] : []), ...body.filter(Boolean));
    this.frame.showModal();
    (this.frame.querySelector("input:checked") ?? this.frame.querySelector("input, [data-choice], [type=submit]"))?.focus();
    return new Promise((resolve) => (this.resolve = resolve));
  }

  // A picture; any key or click ends it.
  show(picture) {
    const shown = this.ask("", picture);
    this.frame.classList.add("is-picture");
    this.frame.tabIndex = -1;
    this.frame.focus();
    return shown;
  }

  settle(value) {
    this.resolve?.(value);
    this.resolve = null;
    if (this.frame.open) this.frame.close();
  }

  buttons(text, value, kind = "is-primary") {
    const yes = node("button", { type: "submit", class: `mq-button ${kind}` }, text);
    const no = node("button", { type: "button", class: "mq-button", onclick: () => this.settle(null) }, t("ac_cancel"));
    return node("form", { class: "mq-action-buttons", onsubmit: (event) => (event.preventDefault(), this.settle(value())) }, no, yes);
  }

  closing() {
    return node("form", { class: "mq-action-buttons", onsubmit: (event) => (event.preventDefault(), this.settle(null)) }, node("button", { type: "submit", class: "mq-button" }, t("close")));
  }

  async sure(title, text, yes) {
    return Boolean(await this.ask(title, text && node("p", {}, text), this.buttons(yes, () => true)));
  }

  choose(title, choices) {
    const cancel = node("button", { type: "button", class: "mq-button", onclick: () => this.settle(null) }, t("ac_cancel"));
    return this.ask(title, node("div", { class: "mq-action-choices" }, choices.map(({ value, text, colour }, i) => {
      const button = node("button", { type: "button", class: "mq-button", style: colour ? `--colour:${colour}` : null, onclick: () => this.settle(value) },
        i < 9 ? keyCap(i + 1) : null, node("span", {}, text));
      button.dataset.choice = value;
      return button;
    })), node("div", { class: "mq-action-buttons" }, cancel));
  }

  flag(n = 1) {
    return this.choose(t("ac_reject_title", { n }), setup.flags.map((flag) => ({ value: flag, text: t(flag) })));
  }

  oneClass(title) {
    return this.choose(title, setup.classes.map((name) => ({ value: name, text: classWord(name), colour: classColour(name) })));
  }

  input(title, label, input, yes) {
    const form = node("form", { onsubmit: (event) => (event.preventDefault(), this.settle(input.value)) },
      node("label", { class: "mq-field" }, node("span", {}, label), input),
      node("div", { class: "mq-action-buttons" },
        node("button", { type: "button", class: "mq-button", onclick: () => this.settle(null) }, t("ac_cancel")),
        node("button", { type: "submit", class: "mq-button is-primary" }, yes)));
    return this.ask(title, form);
  }

  async votes(title) {
    const found = await this.input(title, t("ac_send_votes"), node("input", { class: "mq-input", type: "number", min: 1, max: 20, value: 2, required: true }), t("ac_send"));
    return found === null ? null : Number(found);
  }

  name(title) {
    const day = new Intl.DateTimeFormat(setup.lang, { dateStyle: "medium", timeStyle: "short" }).format(new Date());
    return this.input(title, t("ac_round_name"), node("input", { class: "mq-input", maxLength: 64, value: t("ac_round_usual", { day }), required: true }), t("ac_round"));
  }
}

// Actions in the order they were asked for, and the way back, any number of steps, also after a reload.
class Doings {
  constructor() {
    this.stack = [];
    this.last = this.recall();
  }

  async recall() {
    const answer = await call("review_batches", { mine: true, count: 100 });
    if (answer.ok) this.stack.unshift(...answer.ok.reverse().map(({ batch }) => ({ batch })));
  }

  do(values, note = {}) {
    return this.done("review_act", values, note);
  }

  // By a rule: the server takes back the newest such decision only.
  decide(values) {
    return this.done("decide", values, UNDO_OF_A_RULE);
  }

  done(what, values, note) {
    return this.next(async () => {
      const answer = await call(what, values);
      if (answer.ok?.batch) this.stack.push({ batch: answer.ok.batch, ...note });
      return answer;
    });
  }

  // {ok: {faces, note}} or {error}; an empty stack gives null.
  undo(batch = "", note = {}) {
    return this.next(async () => {
      const step = batch ? this.stack.find((one) => one.batch === batch) || { batch, ...note } : this.stack.at(-1);
      if (!step) return null;
      const answer = await call(step.by || "review_undo", { batch: step.batch });
      if (!answer.again) this.stack = this.stack.filter((one) => one.batch !== step.batch);
      return answer.ok ? { ok: { ...answer.ok, note: step } } : answer;
    });
  }

  next(act) {
    const done = this.last.then(act);
    this.last = done.catch(() => null);
    return done;
  }
}

// A page on which curators act: its parts by their names, a toast, windows that ask, and a card for when there is nothing.
class CuratorPage {
  constructor(root, name) {
    this.name = name;
    this.root = root.querySelector(`#mq-${name}`);
    this.toast = new Toast(this.root);
    this.asker = new Asker(this.root);
    this.rules = new RuleWindow(this);
    this.root.addEventListener("click", (event) => {
      if (!event.target.closest(".mq-next a")) return;
      event.preventDefault();
      this.rules.open();
    });
  }

  find(part) {
    return this.root.querySelector(`#mq-${this.name}-${part}`);
  }

  // While something is done that takes its time, nothing else is begun here.
  get busy() {
    return this.root.ariaBusy === "true";
  }

  set busy(busy) {
    this.root.ariaBusy = String(busy);
  }

  // When all is made ready: show the page to who has joined.
  async start() {
    translate(this.root);
    this.layOut();
    this.listen();
    if ((await whoami())?.name) return this.arrive();
    this.empty(t("rv_join_title"), t("rv_join_text"), [], this.link("/", t("page_vote")));
  }

  // `ways` are what there is to do about it, as `button` and `link` make them.
  empty(title, text, commands, ...ways) {
    const card = this.find("empty");
    card.querySelector("h2").textContent = title;
    card.querySelector("p").textContent = text;
    card.querySelector("pre").textContent = commands.join("\n");
    card.querySelector(".mq-row").replaceChildren(...ways.filter(Boolean));
    card.hidden = false;
  }

  button(words, act, kind = "") {
    return node("button", { type: "button", class: `mq-button ${kind}`, onclick: act }, words);
  }

  link(address, words) {
    return node("a", { class: "mq-button", href: address }, words);
  }

  tellKeys(look, rows) {
    this.asker.ask(t("rv_keys"), node("ul", { class: look }, rows.map(([cap, text]) => node("li", {}, keyCap(cap), node("span", {}, t(text))))), this.asker.closing());
  }

  // Listens to window or document until another page is shown.
  whileHere(on, what, act) {
    const heard = (event) => (this.root.isConnected ? act(event) : on.removeEventListener(what, heard));
    on.addEventListener(what, heard, { passive: what === "scroll" });
  }
}
