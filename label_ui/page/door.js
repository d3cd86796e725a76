// The entrance: log in by name and password, or come in by an invitation link.

const find = (name) => element.querySelector(`#mq-${name}`);
const invite = setup.invite;

function show() {
  translate(element);
  document.title = `${t(invite ? "welcome_page" : "login_page")} · Mimique`;
  if (!invite) showLogin();
  else if (invite.error) showClosed();
  else showInvitation();
  find("tools").replaceChildren(...Object.keys(setup.strings).filter((lang) => lang !== setup.lang).map(languageButton));
}

function languageButton(lang) {
  const change = () => {
    store("mimique.lang", lang);
    location.reload();
  };
  return node("button", { type: "button", class: "mq-button is-quiet", lang, onclick: change }, setup.strings[lang].language_name);
}

function showLogin() {
  find("title").textContent = t("login_title");
  find("text").textContent = t("login_text");
  find("password-label").textContent = t("password_label");
  find("password").autocomplete = "current-password";
  find("password").required = true;
  find("go").textContent = t("log_in");
  find("name").focus();
}

function showInvitation() {
  const known = invite.name;
  find("title").textContent = known ? t("welcome_named", { name: known }) : t("welcome_title_door");
  find("text").textContent = t("welcome_text", { role: t(`role_${invite.role}`) });
  find("name").value = known;
  find("name-field").hidden = Boolean(known);
  find("password-label").textContent = t("password_new");
  find("password").autocomplete = "new-password";
  find("password-hint").textContent = t("password_new_hint");
  find("go").textContent = t("come_in");
  find(known ? "password" : "name").focus();
}

function showClosed() {
  find("title").textContent = t("invitation_closed");
  find("text").textContent = t("invitation_closed_text");
  for (const part of ["name-field", "password-field", "go"]) find(part).hidden = true;
  find("form").append(node("a", { class: "mq-button", href: "/" }, t("to_the_workbench")));
}

async function send(event) {
  event.preventDefault();
  const [name, password] = [find("name").value.trim(), find("password").value];
  if (!name) return refuse(t("name_needed"), "name");
  if (!invite && !password) return refuse(t("password_needed"), "password");
  find("go").disabled = true;
  find("error").textContent = "";
  const answer = invite
    ? await posted(location.pathname, { name, password }, "")
    : await posted("/login", { username: name, password }, "");
  find("go").disabled = false;
  if (answer.error) return refuse(errorText(answer), invite && answer.code !== "password_length" ? "name" : "password");
  location.replace(nextPage());
}

function refuse(text, field) {
  find("error").textContent = text;
  find(field).focus();
  find(field).select();
}

// Only ever a page of this workbench.
function nextPage() {
  const wanted = new URL(new URLSearchParams(location.search).get("next") || "/", location.origin);
  return wanted.origin === location.origin ? wanted.pathname : "/";
}

find("form").addEventListener("submit", send);
show();
