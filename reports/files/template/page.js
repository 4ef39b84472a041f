"use strict";
// Without this the page is whole: a link to a record opens it only where it is scripted.
function openTarget() {
  const found = document.getElementById(location.hash.slice(1));
  if (found instanceof HTMLDetailsElement) {
    found.open = true;
    found.scrollIntoView({ block: "nearest" });
    found.querySelector("summary").focus();
  }
}
addEventListener("hashchange", openTarget);
addEventListener("DOMContentLoaded", openTarget);
document.addEventListener("click", (event) => {
  // A cell that was clicked before leads there again.
  const link = event.target.closest && event.target.closest('.grid a[href^="#"]');
  if (link && link.hash === location.hash) {
    event.preventDefault();
    openTarget();
  }
});
// Paper has nothing to click on.
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach((each) => { each.open = true; });
});
addEventListener("afterprint", () => closed.forEach((each) => { each.open = false; }));
