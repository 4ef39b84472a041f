"use strict";
// The page is complete without this script, but then a link to a record does not open it.
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView({ block: "nearest" });
    target.querySelector("summary").focus();
  }
}
addEventListener("hashchange", openTarget);
addEventListener("DOMContentLoaded", openTarget);
document.addEventListener("click", (event) => {
  // A second click on the same cell changes no hash: open its record again.
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
