// Every page loads this: the switch of colours, times in the reader's
// zone, and the navigation where it scrolls.
import "./theme.js";
import "./times.js";

// The navigation scrolls, as one line on narrow screens and as a column on low ones: bring
// this page's name into it.
const current = document.querySelector(".side [aria-current]");
if (current) {
  const side = current.closest(".side");
  const column = side.firstElementChild;
  side.scrollLeft = current.offsetLeft - (side.clientWidth - current.offsetWidth) / 2;
  column.scrollTop = current.offsetTop - (column.clientHeight - current.offsetHeight) / 2;
}
