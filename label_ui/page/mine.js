// "My answers": how much one voted, and how one's answers compare with the faces whose answer is known.

async function showMine(bench) {
  const { windows } = bench;
  const body = node("div", { class: "mq-mine" }, node("p", { class: "mq-hint" }, t("loading")));
  windows.open("mine", t("mine"), body);
  const mine = await bench.fetched("answers", { campaign: bench.campaign.id });
  if (!mine) return body.replaceChildren(node("p", {}, t("offline")));
  const figures = [
    [number(mine.voted), t("answers_given")],
    [number(mine.skipped), t("skips")],
    [mine.median_seconds === null ? "–" : `${number(mine.median_seconds, 1)} s`, t("median_seconds")],
  ];
  if (mine.gold?.total) figures.push([`${number(mine.gold.right)} / ${number(mine.gold.total)}`, t("gold_right")]);
  body.replaceChildren(
    node("div", { class: "mq-figures" }, ...figures.map(([value, what]) =>
      node("div", { class: "mq-figure" }, node("b", {}, value), node("span", {}, what)))),
    ...confusion(mine.gold, bench),
  );
}

function confusion(gold, bench) {
  if (!gold) return [];
  if (gold.hidden_until) return [node("p", { class: "mq-hint" }, t("gold_later", { n: gold.hidden_until }))];
  if (!gold.total) return [node("p", { class: "mq-hint" }, t("gold_none"))];
  const name = (answer) => bench.answerName(answer);
  const most = Math.max(...gold.rows.flatMap((row) => row.counts));
  const cell = (row, n, i) => {
    const right = gold.answers[i] === row.truth;
    const shade = n ? `background:color-mix(in srgb, var(${right ? "--right" : "--wrong"}) ${Math.round(15 + (45 * n) / most)}%, transparent)` : "";
    return node("td", { style: shade }, n ? String(n) : "·");
  };
  return [
    node("h3", {}, t("confusion")),
    node("div", { class: "mq-scroll" }, node("table", { class: "mq-confusion" },
      node("thead", {}, node("tr", {}, node("th", {}, t("known_mine")), ...gold.answers.map((answer) => node("th", { scope: "col" }, name(answer))))),
      node("tbody", {}, ...gold.rows.map((row) =>
        node("tr", {}, node("th", { scope: "row" }, name(row.truth)), ...row.counts.map((n, i) => cell(row, n, i))))))),
  ];
}
