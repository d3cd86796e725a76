// Shared by every page: calls to the server, who I am, texts, language and theme. Runs before the page's scripts.

const setup = { ...props.setup, lang: pageLanguage(props.setup) };
const session = { known: null };

// The server's answer to a method of a desk: {ok} or {error, hint, again}, with HTTP's status. Never throws;
// `again` says that nothing was wrong with the question: send it again later. `login` says that the login has ended.
// options: those of fetch, such as {keepalive: true} for what is said while the page goes.
async function call(name, values = {}, options = {}) {
  const me = await whoami();
  if (!me) return noAnswer();
  const answer = await posted(`/api/${name}`, values, me.token, options);
  if (answer.stale && !options.again) {
    forgetMe();
    return call(name, values, { ...options, again: true });
  }
  if (name === "join" && answer.ok?.token) session.known = Promise.resolve(answer.ok);
  if (answer.login && name !== "join") dispatchEvent(new CustomEvent("mimique:login-ended"));
  return answer;
}

// {name, role, token, ...}: an empty name until somebody has joined; null without a server.
function whoami() {
  session.known ??= fetch("/me", { headers: { Accept: "application/json" } }).then((response) => response.json()).catch(() => {
    session.known = null;
    return null;
  });
  return session.known;
}

function forgetMe() {
  session.known = null;
}

async function posted(url, values, token, options = {}) {
  const headers = { "Content-Type": "application/json", Accept: "application/json", "X-Mimique-Token": token || "" };
  try {
    const response = await fetch(url, { ...options, method: "POST", headers, body: JSON.stringify(values) });
    const answer = await response.json();
    return answer && ("ok" in answer || "error" in answer) ? { ...answer, status: response.status } : noAnswer();
  } catch {
    return noAnswer();
  }
}

function noAnswer() {
  return { error: t("no_server"), hint: "", again: true };
}

// ---- texts ---------------------------------------------------------------------------------------------------

// The text of this key in the page's language; {places} are filled in. Plurals: `key_one` when values.n is 1.
function t(key, values = {}) {
  const texts = setup.strings[setup.lang];
  const chosen = values.n === 1 && `${key}_one` in texts ? `${key}_one` : key;
  return (texts[chosen] ?? key).replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(values[name]) : values[name]));
}

// The name of a class in the page's language, where it has one.
function classWord(name) {
  return setup.strings[setup.lang][`class_${name}`] ?? name;
}

// What went wrong, in the page's language where the server names it by a code; else as the server says it.
function errorText({ error = "", hint = "", code = "", values = {} }) {
  const key = `error_${code}`;
  return key in setup.strings[setup.lang] ? t(key, values) : [error, hint].filter(Boolean).join(" – ");
}

function number(value, digits = 0) {
  return value.toLocaleString(setup.lang, { maximumFractionDigits: digits });
}

function percent(share, digits = 0) {
  return share === null || share === undefined ? "–" : share.toLocaleString(setup.lang, { style: "percent", maximumFractionDigits: digits });
}

function pageLanguage({ strings, lang }) {
  const wanted = [stored("mimique.lang"), lang, ...navigator.languages.map((name) => name.slice(0, 2))];
  return wanted.find((name) => name in strings) || "en";
}

// Fill every data-t (text), data-t-title, data-t-label (aria-label) and data-t-placeholder below a node.
function translate(root) {
  for (const at of root.querySelectorAll("[data-t]")) at.textContent = t(at.dataset.t);
  for (const at of root.querySelectorAll("[data-t-title]")) at.title = t(at.dataset.tTitle);
  for (const at of root.querySelectorAll("[data-t-label]")) at.ariaLabel = t(at.dataset.tLabel);
  for (const at of root.querySelectorAll("[data-t-placeholder]")) at.placeholder = t(at.dataset.tPlaceholder);
}

// ---- what one browser remembers -------------------------------------------------------------------------------

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function store(key, value) {
  try {
    if (value) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  } catch {
    // A browser without storage follows the system.
  }
}

// ---- light and dark ---------------------------------------------------------------------------------------------

// "light", "dark" or "" (as the system has it), on this page at once and on every page from now on.
function useTheme(theme) {
  const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
  document.body.classList.toggle("dark", dark);
}

useTheme(stored("mimique.theme") || "");
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => useTheme(stored("mimique.theme") || ""));
document.documentElement.lang = setup.lang;

// ---- small things every page needs --------------------------------------------------------------------------------

// Put what this page shows into its address, so that a reload shows it again. A query alone would be taken from Gradio's
// <base href>, which is another page.
function showAddress(query) {
  history.replaceState(null, "", query ? `${location.pathname}?${query}` : location.pathname);
}

// A harvest among others: its number (as `--harvest` takes it), source and words, class, and day.
function harvestName({ id, name, candidate_class: candidate, at }) {
  const day = new Intl.DateTimeFormat(setup.lang, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
  return [`${id}: ${name}`, candidate, day].filter(Boolean).join(" · ");
}

// A choice too long for its field is read in full under the pointer.
document.addEventListener("pointerover", ({ target }) => {
  if (target.matches?.("select")) target.title = target.selectedOptions[0]?.textContent ?? "";
});

// node("button", {class: "mq-button", onclick: f, "aria-label": "…"}, child, "text", …); null children are left out.
function node(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name === "style") made.style.cssText = value;
    else if (name in made && !name.startsWith("aria")) made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}
