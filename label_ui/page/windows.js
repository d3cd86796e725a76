// The windows over the voting page: zoom, whole photo, flags, keys. One is open at a time; the same key closes it.

class Windows {
  constructor(bench) {
    Object.assign(this, { bench, frame: bench.find("window") });
    bench.find("close").onclick = () => this.close();
    this.frame.addEventListener("click", (event) => event.target === this.frame && this.close()); // onclick = false would cancel
    this.frame.onclose = () => this.onClosed?.();
  }

  get kind() {
    return this.frame.open ? this.frame.dataset.kind : "";
  }

  open(kind, title, ...body) {
    this.frame.dataset.kind = kind;
    this.bench.find("window-title").textContent = title;
    this.bench.find("window-body").replaceChildren(...body);
    if (!this.frame.open) this.frame.showModal();
    this.bench.find("window-title").focus();
  }

  close() {
    if (this.frame.open) this.frame.close();
  }

  toggle(kind) {
    if (this.kind === kind) this.close();
    else if (this.bench.current || ["keys", "mine"].includes(kind)) this[kind]();
  }

  zoom() {
    const { current } = this.bench;
    current.looked.zoomed = true;
    this.open("zoom", t("zoom"), node("img", { src: current.card.picture, alt: current.card.image.alt }));
  }

  async photo() {
    const { current } = this.bench;
    current.looked.photo = true;
    const frame = node("div", { class: "mq-photo" });
    this.open("photo", t("photo"), frame);
    const found = await this.bench.fetched("photo", { face: current.card.face });
    if (!found) return frame.append(t("photo_failed"));
    const [x1, y1, x2, y2] = found.box.map((share) => 100 * share);
    frame.append(
      node("img", { src: found.picture, width: found.width, height: found.height, alt: t("photo_alt") }),
      node("i", { style: `left:${x1}%;top:${y1}%;width:${x2 - x1}%;height:${y2 - y1}%` }),
    );
  }

  flag() {
    const buttons = setup.flags.map((flag, i) => {
      const button = node("button", { type: "button" }, keyCap(i + 1), t(flag));
      button.onclick = () => this.bench.flag(flag);
      return button;
    });
    this.open("flag", t("flag_title"), node("div", { class: "mq-flags" }, ...buttons));
  }

  mine() {
    showMine(this.bench);
  }

  // ---- keys: what they are, and changing them ---------------------------------------------------------

  keys() {
    const { keys } = this.bench;
    const rows = Object.keys(keys.signs).map((action) => {
      const button = node("button", { type: "button", class: "mq-key" }, ...this.caps(keys.signs[action]));
      button.ariaLabel = t("change_key", { action: this.bench.actionName(action) });
      button.onclick = () => this.learn(action, button);
      return node("li", {}, node("span", {}, this.bench.actionName(action)), button);
    });
    const single = node("input", { type: "checkbox", checked: !keys.off });
    single.onchange = () => (keys.off = !single.checked);
    const reset = node("button", { type: "button", class: "mq-button is-quiet" }, t("reset_keys"));
    reset.onclick = () => this.changed(() => keys.reset());
    this.open(
      "keys", t("keys_title"),
      node("p", { class: "mq-hint" }, t("keys_hint")),
      node("ul", { class: "mq-keys" }, ...rows),
      node("div", { class: "mq-row" }, node("label", {}, single, " ", t("single_keys")), reset),
    );
  }

  caps(signs) {
    return signs.length ? signs.map((sign) => keyCap(Keys.shown(sign))) : [t("no_key")];
  }

  // A key that only changes others (Shift) is waited out; whoever waited before waits no more.
  learn(action, button) {
    this.onClosed?.();
    button.replaceChildren(t("press_a_key"));
    button.classList.add("is-waiting");
    this.bench.announce(t("press_a_key"));
    const heard = (event) => {
      if (["Shift", "Control", "Alt", "Meta", "AltGraph"].includes(event.key)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const stays = ["Escape", "Tab"].includes(event.key);
      this.changed(() => stays || this.bench.keys.change(action, Keys.sign(event)));
    };
    addEventListener("keydown", heard, { capture: true });
    this.onClosed = () => {
      removeEventListener("keydown", heard, { capture: true });
      button.classList.remove("is-waiting");
      button.replaceChildren(...this.caps(this.bench.keys.signs[action]));
    };
  }

  changed(change) {
    change();
    this.onClosed?.();
    this.onClosed = null;
    this.bench.layOut();
    this.keys();
  }
}

function keyCap(key) {
  return node("kbd", { "aria-hidden": "true" }, String(key));
}
