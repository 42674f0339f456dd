// The session's time. Warns three minutes before the end; one key asks for more. When it is over,
// what was typed is sent along, so that it comes back after signing in. Without this the server
// keeps what a late form sends.
const box = document.getElementById("time-out");
const WARN = 180;
let ends = Date.now() + Number(box.dataset.seconds) * 1000;
const left = () => (ends - Date.now()) / 1000;

async function ask(method) {
  const token = box.querySelector("[name=csrfmiddlewaretoken]").value;
  const answer = await fetch(box.dataset.stay, {method, headers: {"X-CSRFToken": token}});
  const {seconds} = await answer.json();
  ends = Date.now() + seconds * 1000;
}

function changed(form) {
  return [...form.elements].some(one => one.type !== "hidden" && (
    one.checked !== one.defaultChecked || ("defaultValue" in one && one.value !== one.defaultValue)
    || [...(one.options ?? [])].some(each => each.selected !== each.defaultSelected)));
}

function leave() {
  const typed = [...document.querySelectorAll("form[method=post]")]
    .find(form => form.elements.entry_key && changed(form));
  const form = typed ?? box.querySelector("form");
  const there = typed ? new URL(form.action) : location;
  form.action = `${box.dataset.leave}?next=${encodeURIComponent(there.pathname + there.search)}`;
  form.method = "post";
  form.submit();
}

async function look() {
  if (left() > WARN) return box.close();
  try {
    await ask("GET");  // another page may have been used
  } catch {
    return undefined;  // no network: the page stays as it is
  }
  if (left() <= 0) return leave();
  if (left() > WARN || box.open) return undefined;
  const time = {hour: "numeric", minute: "2-digit"};
  box.querySelector("time").textContent =
    new Date(ends).toLocaleTimeString(document.documentElement.lang, time);
  return box.showModal();
}

// Escape closes the box as well: whichever key is pressed, somebody is there.
box.addEventListener("close", () => left() <= WARN && ask("POST").catch(() => {}));
setInterval(look, 5000);
