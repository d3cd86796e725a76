// What this browser keeps for a person (without storage it only forgets), and when there is time for the rest.

function remember(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is full or forbidden: nothing is kept beyond this page.
  }
}

function remembered(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function forget(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // Nothing was kept.
  }
}

function rememberedKeys(prefix) {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(prefix)).sort();
  } catch {
    return [];
  }
}

function freshId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Run it once the next frame is painted, so that it delays no face; soon in any case, also in a hidden tab.
function afterPaint(run) {
  let ran = false;
  const once = () => ran || ((ran = true), run());
  requestAnimationFrame(() => setTimeout(once));
  setTimeout(once, 200);
}
