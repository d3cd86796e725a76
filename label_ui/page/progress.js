// The Progress page: what the team agrees on so far, and who voted.

function showProgress(page, team, classes, say) {
  const percent = (share) => `${Math.round(share * 100)} %`;
  const number = (n) => n.toLocaleString(say.lang);
  const decided = classes.reduce((sum, name) => sum + (team.by_class[name] || 0), 0);
  const figures = [
    [number(team.faces), say("faces"), ""],
    [number(team.votes), say("votes"), ""],
    [number(decided), say("decided"), say("consensus_hint")],
    [
      team.agreement === null ? "–" : percent(team.agreement),
      say("agreement"),
      team.agreement === null ? say("agreement_none") : say("agreement_hint", { pairs: number(team.pairs) }),
    ],
  ];
  const rows = [
    ...classes.map((name, i) => [name, team.by_class[name] || 0, `var(--class-${i % 9})`]),
    [say("undecided"), team.undecided, "var(--line-strong)"],
    [say("rejected"), team.rejected, "var(--line-strong)"],
    [say("unvoted"), team.unvoted, "var(--line)"],
  ];
  page.replaceChildren(
    make("div", { className: "mq-figures" }, ...figures.map(([value, what, hint]) =>
      make("div", { title: hint }, make("b", {}, value), make("span", {}, what)))),
    make("h2", {}, say("consensus")),
    make("p", { className: "mq-hint" }, say("consensus_hint")),
    make("div", { className: "mq-strip", ariaHidden: "true" }, ...rows.filter(([, n]) => n).map(([, n, colour]) =>
      make("i", { style: `flex-grow:${n};background:${colour}` }))),
    make("ul", { className: "mq-bars" }, ...rows.map(([name, n, colour]) =>
      make("li", {},
        make("span", {}, make("i", { style: `background:${colour}` }), name),
        make("b", {}, number(n)),
        make("span", { className: "mq-share" }, team.faces ? percent(n / team.faces) : "")))),
    make("h2", {}, say("people")),
    team.people.length ? peopleTable(team.people, say, number) : make("p", { className: "mq-hint" }, say("nobody")),
  );
}

function peopleTable(people, say, number) {
  const most = Math.max(1, ...people.map((person) => person.votes));
  const head = [say("person"), say("votes"), say("skips")];
  return make("table", { className: "mq-people" },
    make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...people.map((person) => make("tr", {},
      make("th", { scope: "row" },
        person.name,
        ...(person.simulated ? [make("small", { title: person.note }, say("simulated"))] : []),
        make("i", { style: `width:${(100 * person.votes) / most}%` })),
      make("td", {}, number(person.votes)),
      make("td", {}, number(person.skips))))));
}

function make(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "style") node.style.cssText = value;
    else node[name] = value;
  }
  node.append(...children);
  return node;
}
