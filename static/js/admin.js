// Django's two-list selector labels a bare <span>, which has no role that takes a label: it is a picture.
"use strict";

addEventListener("load", () => {
  for (const picture of document.querySelectorAll("span.search-label-icon[aria-label]")) picture.setAttribute("role", "img");
});
