// The Team page: how far the team is, who is in it, and, for owners, roles and invitation links.

const LOOK_AGAIN_MS = 5000;
const ROLE_NAMES = ["voter", "curator", "owner"];

class TeamPage {
  constructor(root) {
    this.root = root.querySelector("#mq-team");
    this.dialog = this.find("dialog");
    this.campaign = Number(new URLSearchParams(location.search).get("campaign")) || 1;
    this.shown = {};
    translate(this.root);
    this.find("invite").onclick = () => this.askInvite();
    this.find("campaign").querySelector("select").onchange = (event) => this.choose(Number(event.target.value));
    this.find("password").querySelector("form").onsubmit = (event) => this.setPassword(event);
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
    this.arrive();
  }

  find(name) {
    return this.root.querySelector(`#mq-team-${name}`);
  }

  async arrive() {
    this.me = (await whoami()) || { name: "" };
    if (!this.me.name) {
      this.find("state").replaceChildren(t("team_join_first"), " ", node("a", { href: "/" }, t("page_vote")));
      return;
    }
    this.owner = this.me.role === "owner";
    this.find("invite").hidden = !this.owner;
    this.find("password").hidden = false;
    this.find("password").querySelector("[name=username]").value = this.me.name;
    this.look();
  }

  choose(campaign) {
    this.campaign = campaign;
    showAddress(`campaign=${campaign}`);
    this.look();
  }

  async look() {
    clearTimeout(this.again);
    const answer = await call("team", { campaign: this.campaign });
    if (!this.root.isConnected) return;
    this.find("state").textContent = answer.error || "";
    if (answer.ok) this.show(answer.ok);
    if (!document.hidden && !answer.login) this.again = setTimeout(() => this.look(), LOOK_AGAIN_MS);
    if (this.owner && !this.shown.links) this.lookAtLinks();
  }

  // What has not changed is left alone, and so is what somebody is working in at this moment.
  fresh(part, data, at) {
    const text = JSON.stringify(data);
    if (this.shown[part] === text || at.contains(document.activeElement)) return false;
    this.shown[part] = text;
    return true;
  }

  show({ people, progress, campaigns }) {
    if (this.fresh("campaigns", [campaigns, this.campaign], this.find("campaign"))) this.showCampaigns(campaigns);
    if (this.fresh("progress", progress, this.find("figures"))) this.showProgress(progress);
    if (this.fresh("people", people, this.find("people"))) this.showPeople(people);
  }

  showCampaigns(campaigns) {
    this.find("campaign").hidden = campaigns.length < 2;
    this.find("campaign").querySelector("select").replaceChildren(
      ...campaigns.map(({ id, name, closed }) =>
        node("option", { value: id, selected: id === this.campaign }, closed ? t("campaign_closed_name", { name }) : name)),
    );
  }

  // ---- how far --------------------------------------------------------------------------------------------

  showProgress(progress) {
    const all = progress.done + progress.open;
    const figure = (value, what, meter) =>
      node("div", { class: "mq-figure" }, node("b", {}, value), node("span", {}, what),
        meter === undefined ? null : node("div", { class: "mq-meter", "aria-hidden": "true" }, node("i", { style: `width:${100 * meter}%` })));
    this.find("figures").replaceChildren(
      figure(all ? `${number(progress.done)} / ${number(all)}` : "0", t("team_done"), all ? progress.done / all : 0),
      figure(number(progress.votes), t("team_votes")),
      figure(number(progress.done_last_hour), t("team_pace")),
      figure(this.timeLeft(progress), t("team_time_left")),
    );
    this.find("left").textContent = this.timeLeftHint(progress, all);
    this.showClasses(progress);
  }

  timeLeft({ open, time_left: left }) {
    if (!open) return "–";
    if (!left) return "?";
    if (left.high === null) return t("more_than", { time: duration(left.low) });
    const [low, high] = [duration(left.low), duration(left.high)];
    return low === high ? `≈ ${low}` : `${low} – ${high}`;
  }

  timeLeftHint({ open, needs, time_left: left, votes_last_hour: votes }, all) {
    if (!all) return t("team_empty");
    if (!open) return t("team_all_done");
    if (!left) return t("team_no_pace", { n: needs });
    return t("team_left_hint", { n: needs, votes });
  }

  showClasses({ by_class: byClass, labels }) {
    const names = [...setup.classes, ...Object.keys({ ...byClass, ...labels }).filter((name) => name && !setup.classes.includes(name))];
    if ("" in byClass) names.push("");
    const rows = names.map((name, i) => {
      const { done = 0, open = 0 } = byClass[name] || {};
      const share = done + open ? done / (done + open) : 0;
      return node("li", {},
        node("b", { dir: "auto" }, name ? classWord(name) : t("no_candidate")),
        node("div", { class: "mq-meter", role: "img", "aria-label": percent(share) }, node("i", { style: `width:${100 * share}%;background:var(--class-${i % 9})` })),
        node("span", {}, done + open ? t("class_line", { done, all: done + open }) : t("class_none"), node("br"), name ? t("class_labelled", { n: labels[name] || 0 }) : ""));
    });
    this.find("classes").hidden = !Object.keys(byClass).length;
    this.find("classes").querySelector("ul").replaceChildren(...rows);
  }

  // ---- who -------------------------------------------------------------------------------------------------

  showPeople(people) {
    if (!people.length) {
      this.find("people").replaceChildren(node("p", { class: "mq-hint", style: "margin:1rem" }, t("team_nobody")));
      return;
    }
    const heads = [["person"], ["role"], ["votes", "is-number"], ["last_hour", "is-number"], ["share", "is-number"], ...(this.owner ? [["actions"]] : [])];
    this.find("people").replaceChildren(
      node("table", { class: "mq-table" },
        node("caption", { class: "mq-unseen" }, t("team_people")),
        node("thead", {}, node("tr", {}, heads.map(([name, kind]) => node("th", { scope: "col", class: kind || "" }, name === "actions" ? node("span", { class: "mq-unseen" }, t("col_actions")) : t(`col_${name}`))))),
        node("tbody", {}, people.map((person) => this.personRow(person)))),
    );
  }

  personRow(person) {
    const pill = (text, title = "") => node("span", { class: "mq-pill", title }, text);
    const managed = this.owner && !person.simulated;
    return node("tr", { class: person.disabled ? "is-off" : "" },
      node("th", { scope: "row" }, node("bdi", {}, person.name),
        person.name === this.me.name ? pill(t("you")) : null,
        person.simulated ? pill(t("simulated"), person.note) : null,
        person.disabled ? pill(t("disabled")) : null,
        node("div", { class: "mq-meter", "aria-hidden": "true" }, node("i", { style: `width:${100 * person.share}%` }))),
      node("td", {}, person.simulated ? "" : managed ? this.roleChoice(person) : t(`role_${person.role}`)),
      node("td", { class: "is-number", "data-label": t("col_votes") }, number(person.votes)),
      node("td", { class: "is-number", "data-label": t("col_last_hour") }, number(person.votes_last_hour)),
      node("td", { class: "is-number", "data-label": t("col_share") }, percent(person.share)),
      this.owner ? node("td", {}, managed ? this.personActions(person) : null) : null);
  }

  roleChoice({ name, role }) {
    const choice = node("select", { class: "mq-input mq-team-role", "aria-label": t("role_of", { name }) },
      ROLE_NAMES.map((one) => node("option", { value: one, selected: one === role }, t(`role_${one}`))));
    choice.onchange = async () => {
      const answer = await this.change("person_role", { name, role: choice.value }, t("role_changed", { name, role: t(`role_${choice.value}`) }));
      if (answer.error) choice.value = role;
    };
    return choice;
  }

  personActions({ name, disabled }) {
    const button = (text, act, kind = "") => node("button", { type: "button", class: `mq-button ${kind}`, "aria-label": `${text}: ${name}`, onclick: act }, text);
    if (disabled) return node("div", { class: "mq-team-actions" }, button(t("enable"), () => this.change("person_enable", { name }, t("enabled_toast", { name }))));
    return node("div", { class: "mq-team-actions" },
      button(t("link_for_person"), () => this.makeLink({ name, role: "voter", days: 7 }), "is-quiet"),
      name === this.me.name ? null : button(t("disable"), () => this.askDisable(name), "is-quiet"));
  }

  askDisable(name) {
    this.open(t("disable_title", { name }),
      node("p", {}, t("disable_text")),
      this.buttons(node("button", { type: "button", class: "mq-button is-danger", onclick: () => {
        this.dialog.close();
        this.change("person_disable", { name }, t("disabled_toast", { name }));
      } }, t("disable"))));
  }

  async change(name, values, done) {
    const answer = await call(name, values);
    this.toast(answer.error ? errorText(answer) : done);
    document.activeElement?.blur();
    this.shown.people = this.shown.links = "";
    this.look();
    return answer;
  }

  // ---- links --------------------------------------------------------------------------------------------------

  async lookAtLinks() {
    const answer = await call("invitations");
    if (!answer.ok) return;
    this.shown.links = "seen";
    const section = this.find("links");
    section.hidden = !answer.ok.length;
    const day = new Intl.DateTimeFormat(setup.lang, { dateStyle: "medium", timeStyle: "short" });
    section.querySelector(".mq-scroll").replaceChildren(
      node("table", { class: "mq-table" },
        node("thead", {}, node("tr", {}, ["link_for", "role", "link_uses", "link_until", "link_by"].map((name) => node("th", { scope: "col" }, t(`col_${name}`))), node("th", { scope: "col" }, node("span", { class: "mq-unseen" }, t("col_actions"))))),
        node("tbody", {}, answer.ok.map((link) => node("tr", {},
          node("th", { scope: "row" }, link.name ? node("bdi", {}, link.name) : t("link_anybody")),
          node("td", {}, t(`role_${link.role}`)),
          node("td", { "data-label": t("col_link_uses") }, number(link.uses_left)),
          node("td", { "data-label": t("col_link_until") }, day.format(new Date(link.expires_at))),
          node("td", { "data-label": t("col_link_by") }, node("bdi", {}, link.by)),
          node("td", {}, node("div", { class: "mq-team-actions" }, node("button", { type: "button", class: "mq-button is-quiet", onclick: () => this.change("invite_revoke", { id: link.id }, t("link_revoked")) }, t("link_revoke")))))))),
    );
  }

  askInvite() {
    const field = (label, input, wide) => node("label", { class: `mq-field ${wide ? "is-wide" : ""}` }, node("span", {}, t(label)), input);
    const name = node("input", { class: "mq-input", name: "name", maxLength: 64, dir: "auto", placeholder: t("invite_name_empty") });
    const role = node("select", { class: "mq-input", name: "role" }, ROLE_NAMES.map((one) => node("option", { value: one }, t(`role_${one}`))));
    const days = node("input", { class: "mq-input", name: "days", type: "number", min: 1, max: 90, value: 7, required: true });
    const uses = node("input", { class: "mq-input", name: "uses", type: "number", min: 1, max: 200, value: 1, required: true });
    name.oninput = () => {
      uses.disabled = Boolean(name.value.trim());
      if (uses.disabled) uses.value = 1;
    };
    const form = node("form", {},
      node("p", { class: "mq-hint" }, t("invite_text")),
      node("div", { class: "mq-team-form" }, field("invite_name", name, true), field("invite_role", role, true), field("invite_days", days), field("invite_uses", uses)),
      node("p", { class: "mq-hint", style: "margin-top:.6rem" }, t("roles_hint")),
      this.buttons(node("button", { type: "submit", class: "mq-button is-primary" }, t("invite_make"))));
    form.onsubmit = (event) => {
      event.preventDefault();
      this.makeLink({ name: name.value.trim(), role: role.value, days: Number(days.value), uses: Number(uses.value) });
    };
    this.open(t("invite_button"), form);
    name.focus();
  }

  async makeLink(values) {
    const answer = await call("invite", values);
    if (answer.error) return this.toast(errorText(answer));
    const link = `${this.outside()}/join/${answer.ok.token}`;
    const copy = node("button", { type: "button", class: "mq-button is-primary", onclick: async () => {
      await copyText(link);
      this.toast(t("link_copied"));
    } }, t("link_copy"));
    this.open(values.name ? t("link_title_name", { name: values.name }) : t("link_title"),
      node("p", { class: "mq-hint" }, t("link_once")),
      node("code", { class: "mq-link", dir: "ltr" }, link),
      setup.outside ? null : node("p", { class: "mq-error", style: "margin-top:.7rem" }, t("link_local")),
      this.buttons(copy));
    copy.focus();
    this.lookAtLinks();
  }

  // Where others reach the workbench: not at this machine's own name.
  outside() {
    const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
    return local && setup.outside ? setup.outside : location.origin;
  }

  // ---- my password -------------------------------------------------------------------------------------------

  async setPassword(event) {
    event.preventDefault();
    const form = event.target;
    const answer = await posted("/password", { old: form.elements.old.value, new: form.elements.new.value }, this.me.token);
    this.find("password").querySelector("[role=alert]").textContent = answer.error ? errorText(answer) : "";
    if (answer.error) return;
    forgetMe();
    this.me = await whoami();
    form.reset();
    this.toast(t("password_changed"));
  }

  // ---- windows --------------------------------------------------------------------------------------------------

  open(title, ...body) {
    this.dialog.querySelector("#mq-team-dialog-title").textContent = title;
    this.dialog.querySelector("#mq-team-dialog-body").replaceChildren(...body.filter(Boolean));
    if (!this.dialog.open) this.dialog.showModal();
  }

  buttons(...more) {
    return node("div", { class: "mq-dialog-buttons" }, node("button", { type: "button", class: "mq-button", onclick: () => this.dialog.close() }, t("close")), more);
  }

  toast(text) {
    const toast = this.find("toast");
    (this.dialog.open ? this.dialog : this.root).append(toast); // above an open dialog too
    toast.textContent = text;
    toast.hidden = false;
    clearTimeout(this.toasting);
    this.toasting = setTimeout(() => (toast.hidden = true), 6000);
  }
}

function duration(hours) {
  const minutes = Math.max(5, Math.round((hours * 60) / 5) * 5);
  if (minutes < 60) return t("minutes", { n: minutes });
  const tens = hours < 10 ? Math.round(hours * 2) / 2 : Math.round(hours);
  return t("hours", { n: tens });
}

// On http pages of other machines browsers give no clipboard: then by the old way.
async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const field = node("textarea", { value: text, style: "position:fixed;opacity:0" });
  (document.querySelector("dialog[open]") || document.body).append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

new TeamPage(element);
