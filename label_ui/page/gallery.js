// The Gallery page: a wall of any number of faces, of which only those on the screen exist; choosing many; one action
// on all of them.

const GL_PAGE = 100; // faces asked for at once
const GL_KEPT_PAGES = 60;
const GL_MORE_ROWS = 3; // rows made above and below the screen
const GL_REST_MS = 60; // a wall that flies past loads nothing

class GalleryPage extends CuratorPage {
  constructor(root) {
    super(root, "gallery");
    this.wall = this.find("wall");
    this.filters = new GalleryFilters(this.root, { onChange: () => this.look() });
    this.count = 0;
    this.cursor = 0; // the place that arrows move
    this.anchor = 0;
    this.clear();
    this.tiles = new Map(); // place → element
    this.pages = new Map(); // page → promise of rows
    this.rows = new Map(); // place → row
    this.start();
  }

  async arrive() {
    this.look();
    this.doings = new Doings();
    const offered = await call("gallery_form");
    if (offered.ok) this.filters.show(offered.ok);
  }

  // ---- looking -------------------------------------------------------------------------------------------------

  // Everything anew: another filter or order, or something was done.
  async look({ stay = false } = {}) {
    const wanted = (this.looking = Symbol("look"));
    const asked = { filter: this.filters.only, order: this.filters.order, offset: 0, limit: GL_PAGE };
    const answer = await call("gallery", asked);
    if (wanted !== this.looking) return;
    this.find("error").textContent = answer.error ? errorText(answer) : "";
    if (answer.error) return;
    this.pages.clear();
    this.rows.clear();
    this.count = answer.ok.count;
    this.keep(0, answer.ok.faces);
    this.pages.set(0, Promise.resolve());
    if (!stay) {
      this.clear();
      this.cursor = this.anchor = 0;
      if (this.wall.getBoundingClientRect().top < 0) scrollTo(0, 0);
    }
    this.find("count").textContent = t("gl_count", { n: this.count });
    if (this.count) this.find("empty").hidden = true;
    else this.nothing();
    this.measure();
  }

  keep(start, faces) {
    faces.forEach((row, i) => this.rows.set(start + i, row));
  }

  page(number) {
    if (!this.pages.has(number)) this.pages.set(number, this.fetchPage(number));
    return this.pages.get(number);
  }

  async fetchPage(number) {
    const { looking } = this;
    const answer = await call("gallery", { filter: this.filters.only, order: this.filters.order, offset: number * GL_PAGE, limit: GL_PAGE, counted: false });
    if (looking !== this.looking) return;
    if (answer.error) {
      this.pages.delete(number);
      this.find("error").textContent = errorText(answer);
      return;
    }
    this.keep(number * GL_PAGE, answer.ok.faces);
    this.forgetFar(number);
    this.draw();
  }

  forgetFar(near) {
    const far = [...this.pages.keys()].sort((a, b) => Math.abs(b - near) - Math.abs(a - near)).slice(0, Math.max(0, this.pages.size - GL_KEPT_PAGES));
    for (const page of far) {
      this.pages.delete(page);
      for (let i = page * GL_PAGE; i < (page + 1) * GL_PAGE; i++) this.rows.delete(i);
    }
  }

  nothing() {
    const reset = this.button(t("gl_reset"), () => this.filters.set({}));
    if (Object.keys(this.filters.only).length) this.empty(t("gl_nothing"), t("gl_nothing_text"), [], reset);
    else this.empty(t("rv_no_faces"), t("rv_no_faces_text"), setup.commands);
  }

  // ---- the wall -----------------------------------------------------------------------------------------------

  measure() {
    const width = (this.width = this.wall.clientWidth);
    const gap = width < 620 ? 4 : 8;
    this.columns = Math.max(3, Math.floor((width + gap) / (132 + gap)));
    this.side = (width - gap * (this.columns - 1)) / this.columns;
    this.step = { x: this.side + gap, y: this.side + 30 + gap };
    this.wall.style.height = `${Math.ceil(this.count / this.columns) * this.step.y}px`;
    for (const tile of this.tiles.values()) tile.remove();
    this.tiles.clear();
    this.draw();
  }

  draw() {
    const top = -this.wall.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / this.step.y) - GL_MORE_ROWS) * this.columns;
    const last = Math.min(this.count, (Math.ceil((top + innerHeight) / this.step.y) + GL_MORE_ROWS) * this.columns);
    for (const [place, tile] of this.tiles) {
      if (place >= first && place < last) continue;
      tile.remove();
      this.tiles.delete(place);
    }
    for (let place = first; place < last; place++) this.drawTile(place);
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      for (let page = Math.floor(first / GL_PAGE); page * GL_PAGE < last; page++) this.page(page);
    }, GL_REST_MS);
  }

  drawTile(place) {
    const row = this.rows.get(place);
    let tile = this.tiles.get(place);
    if (!tile || (row && !tile.dataset.face)) {
      const made = row ? this.tile(place, row) : node("div", { class: "mq-tile is-waiting" });
      made.style.cssText = `width:${this.side}px;height:${this.side + 30}px;transform:translate(${(place % this.columns) * this.step.x}px,${Math.floor(place / this.columns) * this.step.y}px)`;
      made.dataset.place = place;
      if (tile) tile.replaceWith(made);
      else this.wall.append(made);
      this.tiles.set(place, made);
      tile = made;
    }
    if (row) {
      tile.ariaSelected = String(this.isChosen(row.face));
      tile.classList.toggle("is-cursor", place === this.cursor);
      if (place === this.cursor) this.wall.setAttribute("aria-activedescendant", tile.id);
    }
  }

  tile(place, row) {
    const size = this.side * Math.min(devicePixelRatio || 1, 2) > 200 ? 320 : 160;
    const words = this.words(row);
    const marks = [row.flags.length ? "⚑" : "", row.gold ? "★" : "", row.reviewed ? "✓" : ""].filter(Boolean);
    const made = node("div", { class: "mq-tile", id: `mq-tile-${place}`, role: "option", "aria-label": t("gl_tile", { id: row.face, words, votes: row.votes }), "aria-setsize": this.count, "aria-posinset": place + 1, title: this.title(row) },
      node("img", { src: `/picture/thumb/${row.face}?size=${size}`, alt: "", decoding: "async", draggable: false }),
      marks.length ? node("span", { class: "mq-tile-marks", "aria-hidden": "true" }, marks.join(" ")) : null,
      node("span", { class: "mq-tile-tick", "aria-hidden": "true" }, "✓"),
      node("span", { class: "mq-tile-words" },
        node("i", { class: "mq-dot", style: `--colour:${row.label ? classColour(row.label) : "transparent"}` }),
        node("b", { class: row.label ? "" : "is-none" }, words),
        row.label ? node("span", {}, percent(row.confidence)) : null));
    made.dataset.face = row.face;
    return made;
  }

  words({ label, state }) {
    return label ? classWord(label) : t(`gl_state_${state}`);
  }

  title(row) {
    return [t("rv_face_n", { id: row.face }), t("gl_votes_n", { n: row.votes }), row.candidate_class && t("rv_searched", { name: classWord(row.candidate_class) }), ...row.flags.map((flag) => t(flag)), row.gold && t("ac_gold")].filter(Boolean).join("\n");
  }

  // ---- choosing -----------------------------------------------------------------------------------------------

  clear() {
    this.chosen = new Set();
    this.all = false; // all that fit, but `except`
    this.except = new Set();
    this.showChosen();
  }

  isChosen(face) {
    return this.all ? !this.except.has(face) : this.chosen.has(face);
  }

  get chosenCount() {
    return this.all ? this.count - this.except.size : this.chosen.size;
  }

  set(face, on) {
    if (this.all) this.except[on ? "delete" : "add"](face);
    else this.chosen[on ? "add" : "delete"](face);
  }

  toggle(place) {
    const row = this.rows.get(place);
    if (!row) return;
    this.anchor = this.cursor = place;
    this.set(row.face, !this.isChosen(row.face));
    this.showChosen();
  }

  async range(to) {
    const [start, end] = [Math.min(this.anchor, to), Math.max(this.anchor, to)];
    this.cursor = to;
    for (let at = start; at <= end; at += 20_000) {
      const places = Array.from({ length: Math.min(end - at + 1, 20_000) }, (_, i) => at + i);
      let faces = places.map((place) => this.rows.get(place)?.face);
      if (faces.includes(undefined)) {
        const answer = await call("gallery_ids", { filter: this.filters.only, order: this.filters.order, offset: at, limit: places.length });
        if (answer.error) return this.toast.say(errorText(answer));
        faces = answer.ok;
      }
      faces.forEach((face) => this.set(face, true));
    }
    this.showChosen();
  }

  chooseAll() {
    this.clear();
    this.all = this.count > 0;
    this.showChosen();
  }

  showChosen() {
    const n = this.chosenCount;
    this.find("bar").hidden = !n;
    this.root.classList.toggle("is-choosing", n > 0);
    if (n) {
      this.find("chosen").textContent = t("gl_chosen", { n });
      this.find("all").hidden = n === this.count;
      this.find("all").textContent = t("gl_all", { n: this.count });
    }
    if (this.step) this.draw();
  }

  move(to) {
    if (!this.count) return;
    this.cursor = Math.min(Math.max(to, 0), this.count - 1);
    const top = this.wall.getBoundingClientRect().top + Math.floor(this.cursor / this.columns) * this.step.y;
    const room = innerHeight - (this.find("bar").hidden ? 20 : this.find("bar").offsetHeight + 20);
    this.wall.focus({ preventScroll: true });
    if (top < 70) scrollBy(0, top - 70);
    else if (top + this.step.y > room) scrollBy(0, top + this.step.y - room);
    this.draw();
  }

  // ---- acting on all of them ------------------------------------------------------------------------------------

  layOut() {
    this.find("order").replaceChildren(...GL_ORDERS.map((order) => node("option", { value: order, selected: order === this.filters.order }, t(`gl_order_${order.replace(" ", "_")}`))));
    const act = (name, key) => node("button", { type: "button", class: `mq-button ${name === "relabel" ? "is-primary" : ""}`, onclick: () => this.act(name) }, t(`ac_${name}`), key ? keyCap(key) : null);
    this.find("acts").replaceChildren(act("relabel", "1…"), act("accept", "a"), act("reject", "x"), act("send", "v"), act("gold", "g"), act("round", ""),
      node("button", { type: "button", class: "mq-button", onclick: () => this.lookCloser() }, t("gl_closer"), keyCap("⏎")));
  }

  async act(action, label = "") {
    const n = this.chosenCount;
    if (!n || this.asker.open || this.busy) return;
    const values = await this.asked(action, n, label);
    if (!values) return;
    if (n > ASK_ABOVE) {
      const title = action === "relabel" ? t("gl_sure_relabel", { n, label: classWord(values.label) }) : t("gl_sure", { n });
      const sure = await this.asker.sure(title, t(action === "round" ? "gl_sure_round" : "gl_sure_text"), t("ac_pair", { what: t(`ac_${action}`), of: t("gl_faces", { n }) }));
      if (!sure) return;
      values.sure = true;
    }
    const which = this.all ? { filter: this.filters.only, but: [...this.except], expect: n } : { faces: [...this.chosen] };
    this.busy = true;
    this.toast.say(t("gl_working", { n }), { stay_ms: 600_000 });
    const answer = await this.doings.do({ ...values, ...which });
    this.busy = false;
    if (answer.error) return this.toast.say(errorText(answer));
    const { batch, faces, left_out: left } = answer.ok;
    this.clear();
    await this.look({ stay: true });
    this.toast.say([t(`gl_did_${action}`, { n: faces }), left ? t("gl_left_out", { n: left }) : ""].filter(Boolean).join(" "),
      batch ? { button: t("ac_undo"), act: () => this.undo(batch), stay_ms: 15_000 } : {});
  }

  async asked(action, n, label) {
    const title = t("ac_pair", { what: t(`ac_${action}`), of: t("gl_faces", { n }) });
    const with_ = async (name, value) => ((value = await value) === null ? null : { action, [name]: value });
    if (action === "relabel") return label ? { action, label } : with_("label", this.asker.oneClass(title));
    if (action === "reject") return with_("flag", this.asker.flag(n));
    if (action === "send") return with_("votes", this.asker.votes(title));
    if (action === "round") return with_("name", this.asker.name(title));
    return { action };
  }

  async undo(batch = "", note = {}) {
    if (!this.doings || this.busy) return;
    this.toast.say(t("gl_undoing"), { stay_ms: 600_000 });
    const answer = await this.doings.undo(batch, note);
    if (!answer) return this.toast.say(t("ac_nothing_to_undo"));
    if (answer.error) return this.toast.say(errorText(answer));
    await (answer.ok.note.by ? this.decided() : this.look({ stay: true }));
    this.toast.say(t("ac_undone", { n: answer.ok.faces }));
  }

  // A rule decided, or its decision was taken back.
  async decided() {
    await Promise.all([this.look({ stay: true }), nav.showNext()]);
  }

  async lookCloser() {
    let faces = [...this.chosen];
    if (this.all) faces = (await call("gallery_ids", { filter: this.filters.only, order: this.filters.order, limit: 200 + this.except.size })).ok?.filter((face) => !this.except.has(face)) || [];
    if (!faces.length && this.rows.has(this.cursor)) faces = [this.rows.get(this.cursor).face];
    if (faces.length) location.assign(`/review?faces=${faces.slice(0, 200).join(",")}`);
  }

  async showLog() {
    const answer = await call("review_batches", { count: 30 });
    if (answer.error) return this.toast.say(errorText(answer));
    const day = new Intl.DateTimeFormat(setup.lang, { dateStyle: "short", timeStyle: "short" });
    const line = (row, did) => node("li", {},
      node("b", {}, row.label ? t("ac_pair", { what: did, of: classWord(row.label) }) : did),
      node("span", { class: "mq-gallery-who" }, `${t("gl_faces", { n: row.faces })} · ${row.by} · ${day.format(new Date(row.at))}`),
      node("button", { type: "button", class: "mq-button", onclick: () => (this.asker.settle(null), this.undo(row.batch)) }, t("ac_undo")));
    const rows = answer.ok.map((row) => line(row, t(`rv_did_${row.method.replace(" ", "_")}`)));
    this.asker.ask(t("gl_log"), rows.length ? node("ul", { class: "mq-gallery-log" }, rows) : node("p", {}, t("gl_log_empty")), this.asker.closing());
  }

  showKeys() {
    const rows = [["← ↑ ↓ →", "gl_key_move"], [t("space_key"), "gl_key_choose"], ["⇧ ← →", "gl_key_range"], ["Ctrl A", "gl_key_all"], ["Esc", "gl_key_none"], ["⏎", "gl_key_closer"],
      [`1–${Math.min(9, setup.classes.length)}`, "rv_key_relabel"], ["a", "rv_key_accept"], ["x", "rv_key_reject"], ["v", "rv_key_send"], ["g", "rv_key_gold"], ["d", "dc_key"], ["⌫", "rv_key_undo"]];
    this.tellKeys("mq-gallery-log", rows);
  }

  // ---- listening -----------------------------------------------------------------------------------------------

  listen() {
    this.find("order").onchange = (event) => this.filters.set({ ...this.filters.values, order: event.target.value });
    this.find("log").onclick = () => this.showLog();
    this.find("keys").onclick = () => this.showKeys();
    this.find("all").onclick = () => this.chooseAll();
    this.find("none").onclick = () => this.clear();
    this.wall.addEventListener("click", (event) => this.onClick(event));
    this.wall.addEventListener("dblclick", (event) => this.onDoubleClick(event));
    this.wall.addEventListener("error", (event) => event.target.closest?.(".mq-tile")?.classList.add("is-broken"), true);
    this.whileHere(window, "scroll", () => this.step && this.count && this.draw());
    this.whileHere(window, "resize", () => this.step && this.count && this.draw());
    new ResizeObserver(() => this.step && this.wall.clientWidth !== this.width && this.measure()).observe(this.wall);
    this.whileHere(document, "keydown", (event) => this.onKey(event));
  }

  onClick(event) {
    const tile = event.target.closest(".mq-tile[data-face]");
    if (!tile) return;
    const place = Number(tile.dataset.place);
    if (event.shiftKey) this.range(place);
    else this.toggle(place);
  }

  onDoubleClick(event) {
    const tile = event.target.closest(".mq-tile[data-face]");
    if (tile) location.assign(`/review?faces=${tile.dataset.face}`);
  }

  onKey(event) {
    if (this.asker.open || event.altKey || !this.count || event.target.matches?.("input, select, textarea")) return;
    const inButton = event.target.matches?.("button, a, summary");
    const sign = Keys.sign(event);
    if (event.ctrlKey || event.metaKey) {
      if (sign === "a") (event.preventDefault(), this.chooseAll());
      return;
    }
    if (inButton && [" ", "Enter"].includes(sign)) return;
    const to = { ArrowRight: this.cursor + 1, ArrowLeft: this.cursor - 1, ArrowDown: this.cursor + this.columns, ArrowUp: this.cursor - this.columns, Home: 0, End: this.count - 1 }[sign];
    const digit = /^[1-9]$/.test(sign) && setup.classes[Number(sign) - 1];
    const acts = { " ": () => this.toggle(this.cursor), Escape: () => this.clear(), Enter: () => this.lookCloser(), Backspace: () => this.undo(), "?": () => this.showKeys(),
      a: () => this.act("accept"), x: () => this.act("reject"), v: () => this.act("send"), g: () => this.act("gold"), d: () => this.rules.open() };
    if (to !== undefined) {
      this.move(to);
      if (event.shiftKey) this.range(this.cursor);
      else this.anchor = this.chosenCount ? this.anchor : this.cursor;
    } else if (digit) this.act("relabel", digit);
    else if (acts[sign]) acts[sign]();
    else return;
    event.preventDefault();
  }
}

new GalleryPage(element);
