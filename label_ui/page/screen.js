// What the page shows and which key means what; the workbench, which extends it, knows what happens then.

class Screen {
  constructor(element, setup) {
    Object.assign(this, { setup, classes: setup.classes });
    this.root = element.querySelector("#mq");
    this.say = speaker(setup);
    this.window = this.find("window");
  }

  find(name) {
    return this.root.querySelector(`#mq-${name}`);
  }

  only(name) {
    for (const part of ["join", "message", "ballot"]) this.find(part).hidden = part !== name;
    this.find("status").hidden = name === "join" || !this.me?.faces;
  }

  message(what) {
    this.find("message-title").textContent = this.say(what === "loading" ? "loading" : `${what}_title`);
    this.find("message-text").textContent = what === "loading" ? "" : this.say(`${what}_text`);
    this.find("message-commands").hidden = what !== "empty";
    this.find("message-undo").hidden = what !== "done";
    this.only("message");
    if (what !== "loading") this.announce(this.find("message-title").textContent);
  }

  showCounts() {
    if (!this.me) return;
    const done = Math.min(this.me.voted + this.me.skipped, this.me.faces);
    const number = (n) => n.toLocaleString(this.say.lang);
    this.find("count").textContent = this.say("counts", { done: number(done), faces: number(this.me.faces) });
    const bar = this.find("bar");
    bar.setAttribute("aria-valuemax", this.me.faces);
    bar.setAttribute("aria-valuenow", done);
    bar.firstElementChild.style.width = `${(100 * done) / Math.max(1, this.me.faces)}%`;
  }

  async showWaiting() {
    const waiting = this.find("waiting");
    const { size, failures } = this.outbox;
    waiting.hidden = size === 0 || (failures === 0 && size < 4); // a vote under way is no news
    const text = this.say(size === 1 ? "waiting_one" : "waiting_many", { n: size });
    waiting.textContent = failures ? `${text} · ${this.say("offline")}` : text;
    if (failures === 2 && (await fetch("config").then((r) => r.status, () => 0)) === 401) {
      this.tell(this.say("log_in_again"));
    }
  }

  flash(answer) {
    const button = this.root.querySelector(`[data-answer="${CSS.escape(answer)}"]`);
    button?.classList.add("is-chosen");
    setTimeout(() => button?.classList.remove("is-chosen"), 220);
  }

  tell(text) {
    this.find("last").textContent = text;
    this.announce(text);
  }

  announce(text) {
    this.find("live").textContent = text;
  }

  // ---- windows ---------------------------------------------------------------------------------------

  openWindow(kind, title, ...body) {
    this.window.dataset.kind = kind;
    this.find("window-title").textContent = title;
    this.find("window-body").replaceChildren(...body);
    if (!this.window.open) this.window.showModal();
    this.find("window-title").focus();
  }

  closeWindow() {
    if (this.window.open) this.window.close();
  }

  toggleWindow(kind, open) {
    if (this.window.open && this.window.dataset.kind === kind) this.closeWindow();
    else if (this.current || kind === "keys") open();
  }

  zoom() {
    this.toggleWindow("zoom", () => {
      this.current.looked.zoomed = true;
      const { picture, image } = this.current.card;
      this.openWindow("zoom", this.say("zoom"), make("img", { src: picture, alt: image.alt }));
    });
  }

  photo() {
    this.toggleWindow("photo", async () => {
      const seen = this.current;
      seen.looked.photo = true;
      const frame = make("div", { className: "mq-photo" });
      this.openWindow("photo", this.say("photo"), frame);
      const found = await this.fetched("photo", { annotator: this.me.name, face: seen.card.face });
      if (!found) return frame.append(this.say("photo_failed"));
      const [x1, y1, x2, y2] = found.box.map((share) => 100 * share);
      frame.append(
        make("img", { src: found.picture, alt: this.say("photo_alt") }),
        make("i", { style: `left:${x1}%;top:${y1}%;width:${x2 - x1}%;height:${y2 - y1}%` }),
      );
    });
  }

  flags() {
    this.toggleWindow("flags", () => {
      const buttons = this.setup.flags.map((flag, i) => {
        const button = make("button", { type: "button" }, keyCap(i + 1), this.say(flag));
        button.onclick = () => this.answer("vote", { flag }, this.say(flag));
        return button;
      });
      this.openWindow("flags", this.say("flag_title"), make("div", { className: "mq-flags" }, ...buttons));
    });
  }

  keys() {
    const last = Math.min(9, this.classes.length);
    const rows = [[`1–${last}`, "key_class"], ["u", "key_unsure"], ["f", "key_flag"], [this.say("space_key"), "key_skip"],
      ["⌫", "key_undo"], ["z", "key_zoom"], ["c", "key_photo"], ["?", "key_keys"], ["Esc", "key_close"]];
    this.toggleWindow("keys", () =>
      this.openWindow("keys", this.say("keys_title"), make("dl", { className: "mq-keys" }, ...rows.flatMap(([key, what]) =>
        [make("dt", {}, make("kbd", {}, key)), make("dd", {}, this.say(what))]))));
  }

  // ---- setting up ------------------------------------------------------------------------------------

  translate() {
    this.root.lang = this.say.lang;
    for (const node of this.root.querySelectorAll("[data-t]")) node.textContent = this.say(node.dataset.t);
    for (const node of this.root.querySelectorAll("[data-title]")) node.title = this.say(node.dataset.title);
    this.find("message-commands").textContent = this.setup.commands.join("\n");
  }

  layOut() {
    const classes = this.classes.map((name, i) => {
      const button = make("button", { type: "button", style: `--colour:var(--class-${i % 9})` },
        ...(i < 9 ? [keyCap(i + 1)] : []), make("span", {}, name));
      button.dataset.answer = name;
      button.onclick = () => this.answer("vote", { choice: name }, name);
      return button;
    });
    this.find("classes").replaceChildren(...classes);
    this.root.classList.toggle("is-many", classes.length > 6);
    this.actions = {
      u: ["unsure", () => this.answer("vote", {}, this.say("unsure"))],
      f: ["flag", () => this.flags()],
      " ": ["skip", () => this.answer("skip", {}, this.say("skip"))],
      Backspace: ["undo", () => this.undo()],
      z: ["zoom", () => this.zoom()],
      c: ["photo", () => this.photo()],
      "?": ["keys", () => this.keys()],
    };
    const caps = { " ": this.say("space_key"), Backspace: "⌫" };
    this.find("more").replaceChildren(...Object.entries(this.actions).map(([key, [name, run]]) => {
      const button = make("button", { type: "button", onclick: run }, keyCap(caps[key] || key), make("span", {}, this.say(name)));
      button.dataset.answer = name;
      return button;
    }));
  }

  listen() {
    this.find("join").onsubmit = (event) => {
      event.preventDefault();
      this.join(this.find("name").value);
    };
    this.find("person").onclick = () => {
      this.find("name").value = this.me?.name || "";
      this.openTab("vote");
      this.askName("");
    };
    this.find("close").onclick = () => this.closeWindow();
    this.find("message-undo").onclick = () => this.undo();
    this.window.onclick = (event) => event.target === this.window && this.closeWindow();
    for (const name of ["vote", "progress"]) this.find(`tab-${name}`).onclick = () => this.openTab(name);
    this.root.querySelector("[role=tablist]").onkeydown = (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      this.openTab(this.tab === "progress" ? "vote" : "progress");
      this.find(`tab-${this.tab}`).focus();
    };
    // A pointer leaves no focus behind: Space after a click skips, it does not click again.
    this.root.addEventListener("click", (event) => event.detail > 0 && document.activeElement?.matches("button") && document.activeElement.blur());
    const onKey = (event) => (this.root.isConnected ? this.onKey(event) : document.removeEventListener("keydown", onKey));
    document.addEventListener("keydown", onKey);
  }

  onKey(event) {
    const typing = event.target.matches?.("input, textarea, select");
    if (typing || !this.me || this.tab === "progress" || event.ctrlKey || event.metaKey || event.altKey) return;
    const pressing = event.target.matches?.("button, a") && [" ", "Enter"].includes(event.key);
    const run = pressing ? null : this.meaning(event);
    if (!run) return;
    event.preventDefault();
    if (!event.repeat || event.key === "Backspace") run();
  }

  meaning(event) {
    // By place, not by sign: on a French keyboard the key marked 1 types "&".
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
    const inFlags = this.window.open && this.window.dataset.kind === "flags";
    if (digit && inFlags) {
      const flag = this.setup.flags[digit - 1];
      return flag && (() => this.answer("vote", { flag }, this.say(flag)));
    }
    if (digit) {
      const choice = this.classes[digit - 1];
      return choice && (() => this.answer("vote", { choice }, choice));
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    return this.actions[key]?.[1];
  }

  openTab(name) {
    this.tab = name;
    for (const other of ["vote", "progress"]) {
      const chosen = other === name;
      this.find(other).hidden = !chosen;
      this.find(`tab-${other}`).ariaSelected = String(chosen);
      this.find(`tab-${other}`).tabIndex = chosen ? 0 : -1;
    }
    clearTimeout(this.watching);
    if (name === "progress") this.watchTeam();
  }

  async watchTeam() {
    const team = await this.fetched("progress", {});
    if (this.tab !== "progress" || !this.root.isConnected) return;
    if (team) showProgress(this.find("progress"), team, this.classes, this.say);
    this.watching = setTimeout(() => this.watchTeam(), 5000);
  }
}

function speaker({ strings, lang }) {
  const wanted = lang || navigator.language.slice(0, 2);
  const chosen = wanted in strings ? wanted : "en";
  const say = (key, values = {}) => strings[chosen][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  say.lang = chosen;
  return say;
}

function keyCap(key) {
  return make("kbd", { ariaHidden: "true" }, String(key));
}
