// What the gallery shows: the filters' fields, their values in the page's address, and a chip for each in use.

const GL_ORDERS = ["oldest", "newest", "least sure", "most sure", "fewest votes", "most votes"];
const GL_NUMBERS = ["harvest_id", "least_votes", "most_votes", "voted_by", "campaign_id", "least_confidence", "most_confidence"];
const GL_TRUTHS = ["reviewed", "gold"];

class GalleryFilters {
  constructor(root, { onChange }) {
    this.frame = root.querySelector("#mq-gallery-filters");
    this.chips = root.querySelector("#mq-gallery-chips");
    this.form = this.frame.querySelector("form");
    this.onChange = onChange;
    this.values = {};
    for (const [name, text] of new URLSearchParams(location.search)) {
      const value = GalleryFilters.value(name, text);
      if (name === "order" ? GL_ORDERS.includes(text) : value !== undefined) this.values[name] = name === "order" ? text : value;
    }
    this.frame.open = innerWidth > 1000 && Object.keys(this.only).length > 0;
    this.form.onsubmit = (event) => event.preventDefault();
    this.form.onchange = () => this.read();
  }

  static value(name, text) {
    if (GL_TRUTHS.includes(name)) return text === "true";
    if (GL_NUMBERS.includes(name)) return Number.isFinite(Number(text)) && text !== "" ? Number(text) : undefined;
    return ["label", "candidate_class", "owner", "source", "flag", "state"].includes(name) ? text : undefined;
  }

  get only() {
    const { order, ...only } = this.values;
    return only;
  }

  get order() {
    return this.values.order || "oldest";
  }

  // ---- the fields ------------------------------------------------------------------------------------------------

  show(offered) {
    this.offered = offered;
    const any = ["", t("gl_any")];
    const named = (items) => items.map(({ id, name }) => [String(id), name]);
    const words = (names) => names.map((name) => [name, classWord(name)]);
    const percents = [0, 20, 40, 50, 60, 70, 80, 90, 95, 100].map((share) => [String(share / 100), percent(share / 100)]);
    const counts = [0, 1, 2, 3, 4, 5, 6, 8, 10].map((n) => [String(n), String(n)]);
    this.fields = {
      label: [any, ...words(offered.classes)],
      candidate_class: [any, ...words(offered.classes), ["", t("no_candidate")]],
      state: [any, ...offered.states.map((state) => [state, t(`gl_state_${state}`)])],
      flag: [any, ["any", t("gl_any_flag")], ...offered.flags.map((flag) => [flag, t(flag)])],
      least_confidence: [any, ...percents], most_confidence: [any, ...percents],
      least_votes: [any, ...counts], most_votes: [any, ...counts],
      reviewed: [any, ["true", t("yes")], ["false", t("no")]], gold: [any, ["true", t("yes")], ["false", t("no")]],
      harvest_id: [any, ...offered.harvests.map((harvest) => [String(harvest.id), harvestName(harvest)])], source: [any, ...offered.sources.map((name) => [name, name])],
      owner: null, voted_by: [any, ...named(offered.people)], campaign_id: [any, ...named(offered.campaigns)],
    };
    this.fill();
  }

  fill() {
    const owners = node("datalist", { id: "mq-gallery-owners" }, this.offered.owners.map((owner) => node("option", { value: owner })));
    const focused = this.form.contains(document.activeElement) ? document.activeElement.name : "";
    this.form.replaceChildren(...Object.entries(this.fields).map(([name, choices]) => this.field(name, choices)), owners,
      node("button", { type: "button", class: "mq-button is-quiet", onclick: () => this.set({}) }, t("gl_reset")));
    if (focused) this.form.elements[focused]?.focus();
    this.showChips();
  }

  field(name, choices) {
    const value = this.values[name];
    const input = choices
      ? node("select", { class: "mq-input", name }, choices.map(([given, text], i) => node("option", { value: i && given === "" ? " " : given, selected: i ? value !== undefined && String(value) === given : value === undefined }, text)))
      : node("input", { class: "mq-input", name, list: null, value: value ?? "", placeholder: t("gl_any"), dir: "auto", autocomplete: "off" });
    if (!choices) input.setAttribute("list", "mq-gallery-owners");
    return node("label", { class: "mq-field" }, node("span", {}, t(`gl_${name}`)), input);
  }

  read() {
    const values = { order: this.values.order };
    for (const input of this.form.querySelectorAll("[name]")) {
      if (input.value === "") continue;
      values[input.name] = GalleryFilters.value(input.name, input.value.trim());
    }
    this.set(values);
  }

  set(values) {
    this.values = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
    const query = new URLSearchParams(Object.entries(this.values)).toString();
    showAddress(query);
    if (this.fields) this.fill();
    this.onChange();
  }

  // ---- what is in use ----------------------------------------------------------------------------------------------

  showChips() {
    const used = Object.keys(this.only);
    this.frame.querySelector("summary").textContent = used.length ? t("gl_filters_n", { n: used.length }) : t("gl_filters");
    this.chips.replaceChildren(...used.map((name) => node("button", { type: "button", class: "mq-chip", "aria-label": t("gl_without", { name: t(`gl_${name}`) }), onclick: () => this.set({ ...this.values, [name]: undefined }) },
      t("ac_pair", { what: t(`gl_${name}`), of: this.word(name) }), node("span", { "aria-hidden": "true" }, "×"))));
  }

  word(name) {
    const value = String(this.values[name]);
    const found = this.fields[name]?.find(([given], i) => i && given === value);
    return found ? found[1] : value || t("no_candidate");
  }
}
