// Builds elements. Every text from the service enters the page here, as a text
// node, so that no name or browser string can become markup. No innerHTML anywhere.

/**
 * el makes an element. `props`: `on` is a map of listeners, `true` sets a bare
 * attribute, `false`, null and undefined leave it out, all else is an attribute.
 * Children are elements, strings, or null to be left out.
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** button is one act; `action` is what tests and screens know it by. */
export function button(text, action, act, props = {}) {
  return el("button", { type: "button", "data-action": action, ...props, on: { click: act } }, text);
}

/**
 * field is a labelled input with a hint and a place for its error:
 * `.root` goes into the form, `.fail(text)` shows an error ("" takes it away).
 */
export function field({ id, label, hint, ...attributes }) {
  const error = el("span", { class: "field-error", id: `${id}-error` });
  const note = hint ? el("span", { class: "field-hint", id: `${id}-hint` }, hint) : null;
  const input = el("input", { id, name: id, "aria-describedby": note ? `${id}-hint ${id}-error` : `${id}-error`, ...attributes });
  const fail = (text) => {
    error.textContent = text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  input.addEventListener("input", () => fail(""));
  return { input, fail, root: el("p", { class: "field" }, el("label", { for: id }, label), note, input, error) };
}

/** notice is a boxed remark; kinds: "warning", "danger", "info". */
export function notice(kind, ...children) {
  return el("div", { class: `notice notice-${kind}` }, ...children);
}

/** problem is an empty box that speaks up when a text is put in with say. */
export function problem() {
  const root = el("div", { class: "notice notice-danger", role: "alert", hidden: true });
  return {
    root,
    say(text) {
      root.textContent = text;
      root.hidden = !text;
    },
  };
}

/** busy runs work once at a time: while it runs the button says so and takes no second press. */
export async function busy(control, work) {
  if (control.getAttribute("aria-busy") === "true") return;
  control.setAttribute("aria-busy", "true");
  control.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    control.removeAttribute("aria-busy");
    control.removeAttribute("aria-disabled");
  }
}
