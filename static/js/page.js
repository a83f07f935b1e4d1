// Every page loads this: the switch of colours, times in the reader's
// zone, and the navigation on narrow screens.
import "./theme.js";
import "./times.js";

// On narrow screens the navigation is one line: bring this page's name into it.
const current = document.querySelector(".side [aria-current]");
const side = current?.closest(".side");
if (side) side.scrollLeft = current.offsetLeft - (side.clientWidth - current.offsetWidth) / 2;
