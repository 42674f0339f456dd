// Passkeys. A form with data-passkey is hidden until this finds that the browser can do it here:
// a passkey belongs to a host's name, so an address of numbers alone has none.
const numbersOnly = /^[\d.]+$|:/.test(location.hostname);

const toBytes = text =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), c => c.charCodeAt(0));
const toText = buffer =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function asked({publicKey}) {
  const known = list => (list ?? []).map(one => ({...one, id: toBytes(one.id)}));
  const wanted = {...publicKey, challenge: toBytes(publicKey.challenge)};
  if (wanted.user) wanted.user = {...wanted.user, id: toBytes(wanted.user.id)};
  if (wanted.excludeCredentials) wanted.excludeCredentials = known(wanted.excludeCredentials);
  if (wanted.allowCredentials) wanted.allowCredentials = known(wanted.allowCredentials);
  return {publicKey: wanted};
}

function answered(made) {
  const response = {};
  for (const part of
    ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (made.response[part]) response[part] = toText(made.response[part]);
  }
  return JSON.stringify({
    id: made.id, rawId: toText(made.rawId), type: made.type, response,
    clientExtensionResults: made.getClientExtensionResults(),
  });
}

async function options(form) {
  if (!form.dataset.options) return JSON.parse(document.getElementById("passkey-options").textContent);
  const answer = await fetch(form.dataset.options, {headers: {Accept: "application/json"}});
  return (await answer.json()).request_options;
}

function offer(form) {
  const failed = form.querySelector("[role=alert]");
  form.querySelector("button").addEventListener("click", async () => {
    failed.hidden = true;
    try {
      const made = await navigator.credentials[form.dataset.passkey](asked(await options(form)));
      form.elements.credential.value = answered(made);
      form.submit();
    } catch {
      failed.hidden = false;
    }
  });
  form.hidden = false;
  document.querySelector("[data-no-passkey]")?.remove();
}

if (window.PublicKeyCredential && !numbersOnly) {
  document.querySelectorAll("form[data-passkey]").forEach(offer);
}
