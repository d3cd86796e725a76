// The bar above every page: the pages my role may see, and a menu with my name, language, theme and log-out.

const ROLE_ORDER = ["voter", "curator", "owner"];

class Nav {
  constructor(root) {
    this.root = root;
    this.bar = root.querySelector("#mq-nav");
    this.banner = root.querySelector("#mq-banner");
    this.button = this.bar.querySelector("#mq-nav-me");
    this.menu = this.bar.querySelector("#mq-nav-menu");
    translate(this.bar);
    this.showPages("voter");
    this.listen();
    this.refresh();
  }

  async refresh() {
    const me = await whoami();
    this.me = me || { name: "", role: "" };
    this.button.replaceChildren(
      node("span", { class: "mq-nav-name", dir: "auto" }, this.me.name || t("nav_nobody")),
      node("span", { class: "mq-nav-chevron", "aria-hidden": "true" }, "▾"),
    );
    this.button.title = this.me.name;
    this.showPages(this.me.role || "voter"); // once the name has taken its room
    this.fillMenu();
    const here = setup.pages.find((page) => page.route === this.here());
    if (this.me.name && here && !this.may(here)) this.turnAway();
    else this.showNext();
  }

  here() {
    return location.pathname.replace(/\/+$/, "") || "/";
  }

  may(page, role = this.me.role) {
    return ROLE_ORDER.indexOf(page.needs) <= ROLE_ORDER.indexOf(role);
  }

  // A page that is not for this role says so, and who can change that.
  async turnAway() {
    const line = node("p", {}, t("nav_for_curators"));
    this.root.querySelector("main").replaceWith(node("main", { class: "mq-main" }, line));
    const { ok } = await call("team");
    const owners = ok?.people.filter(({ role, disabled, simulated }) => role === "owner" && !disabled && !simulated).map(({ name }) => name) || [];
    if (owners.length) line.append(" ", t("nav_ask_owner", { names: owners.join(", ") }));
  }

  async showNext() {
    if (!this.root.querySelector("[data-next]")) return;
    const line = (await nextStep()) ?? node("p", { hidden: true });
    line.dataset.next = ""; // where the next line stands, once this one no longer holds
    this.root.querySelector("[data-next]").replaceWith(line);
  }

  showPages(role) {
    const mine = setup.pages.filter((page) => this.may(page, role));
    const here = this.here();
    this.bar.querySelector("nav").replaceChildren(
      ...mine.map((page) => node("a", { href: page.route, "aria-current": page.route === here ? "page" : null }, t(`page_${page.name}`))),
    );
    this.showHere();
    if (mine.some((page) => page.route === here)) document.title = `${t(`page_${mine.find((page) => page.route === here).name}`)} · Mimique`;
  }

  // The pages scroll where they do not fit: the one I am on stays in view, and the cut sides fade.
  showHere() {
    const pages = this.bar.querySelector("nav");
    const here = pages.querySelector("[aria-current]");
    if (here) pages.scrollLeft += here.getBoundingClientRect().left - pages.getBoundingClientRect().left - (pages.clientWidth - here.offsetWidth) / 2;
    this.fade();
  }

  fade() {
    const pages = this.bar.querySelector("nav");
    pages.classList.toggle("is-cut-before", pages.scrollLeft > 1);
    pages.classList.toggle("is-cut-after", pages.scrollLeft + pages.clientWidth < pages.scrollWidth - 1);
  }

  fillMenu() {
    const { name, role, asks_login: asksLogin } = this.me;
    const theme = stored("mimique.theme") || "";
    const item = (text, chosen, act) =>
      node("button", { type: "button", role: chosen === null ? "menuitem" : "menuitemradio", "aria-checked": chosen === null ? null : String(chosen), tabIndex: -1, onclick: act }, text);
    const group = (title, ...items) => node("div", { role: "group", "aria-label": title, class: "mq-nav-group" }, node("p", { "aria-hidden": "true" }, title), ...items);
    this.menu.replaceChildren(
      ...(name ? [node("p", { class: "mq-nav-who" }, node("b", { dir: "auto" }, name), node("span", {}, t(`role_${role}`)))] : []),
      group(t("nav_theme"), ...["", "light", "dark"].map((kind) => item(t(`theme_${kind || "system"}`), kind === theme, () => this.theme(kind)))),
      group(t("nav_language"), ...Object.keys(setup.strings).map((lang) => item(setup.strings[lang].language_name, lang === setup.lang, () => this.language(lang)))),
      ...(name ? [item(t(asksLogin ? "log_out" : "nav_change_name"), null, () => this.leave())] : []),
    );
  }

  theme(kind) {
    store("mimique.theme", kind);
    useTheme(kind);
    this.fillMenu();
    this.menu.querySelector("[aria-checked=true]").focus();
  }

  language(lang) {
    store("mimique.lang", lang);
    location.reload();
  }

  async leave() {
    const answer = await posted("/logout", {}, this.me.token);
    if (answer.error && !answer.login) return this.warn(answer.error);
    dispatchEvent(new CustomEvent("mimique:left"));
    location.assign(this.me.asks_login ? "/login" : "/");
  }

  warn(...parts) {
    this.banner.replaceChildren(...parts);
    this.banner.hidden = false;
  }

  // ---- the menu, as the ARIA practices have it: arrows move, Escape closes and gives the focus back -------------

  open(open, focus = true) {
    this.menu.hidden = !open;
    this.button.ariaExpanded = String(open);
    if (focus) (open ? this.items()[0] : this.button)?.focus();
  }

  items() {
    return [...this.menu.querySelectorAll("button")];
  }

  listen() {
    const pages = this.bar.querySelector("nav");
    new ResizeObserver(() => this.showHere()).observe(pages);
    pages.onscroll = () => this.fade();
    this.button.onclick = () => this.open(this.menu.hidden);
    this.menu.onkeydown = (event) => this.onMenuKey(event);
    document.addEventListener("pointerdown", (event) => this.menu.hidden || event.target.closest(".mq-nav-tools") || this.open(false, false));
    this.bar.querySelector(".mq-nav-tools").addEventListener("focusout", (event) => event.relatedTarget && !event.relatedTarget.closest(".mq-nav-tools") && this.open(false, false));
    addEventListener("mimique:login-ended", () =>
      this.warn(t("login_ended"), " ", node("a", { href: `/login?next=${encodeURIComponent(location.pathname)}` }, t("log_in_again_link"))));
    addEventListener("mimique:joined", () => this.refresh());
  }

  onMenuKey(event) {
    const items = this.items();
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    event.stopPropagation();
    if (event.key === "Escape") this.open(false);
    else if (to !== undefined) items[(to + items.length) % items.length].focus();
    else return;
    event.preventDefault();
  }
}

// For those who may decide: that faces have votes and no decision, and where to decide; else null.
async function nextStep() {
  const me = await whoami();
  if (!["curator", "owner"].includes(me?.role)) return null;
  const { ok } = await call("undecided");
  return ok?.faces
    ? node("p", { class: "mq-hint mq-next" }, t("next_decide", { n: ok.faces }), " ", node("a", { class: "mq-button", href: "/review?decide" }, t("dc_decide")), " ", t("next_decide_or"), " ", node("code", {}, setup.decide))
    : null;
}

const nav = new Nav(element);
