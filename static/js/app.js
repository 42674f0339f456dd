// After a full page load, bring the reader to what changed. Everything works without this.
(document.querySelector(".error-summary") || document.querySelector(".saved"))?.focus();
